import type {
  CommitBackend,
  ContainerArchiveBackend,
  ContainersBackend,
  ExecsBackend,
  ImageFolders,
  ImagesBackend,
  LogStream,
  LogOptions,
  NetworksBackend,
  RootFolders,
  StatsBackend,
  SystemBackend,
  VolumesBackend,
  VolumeUsage,
} from "./backends.ts";
import type { SwarmMembershipBackend } from "./swarm-backend.ts";
import type { BuildBackend } from "./build-backend.ts";
import type { ControlCaller } from "../model/control.ts";
import type { ContainerId } from "../model/ids.ts";
import type { Image } from "../model/image.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";

/** Everything behind REST. */
export interface Backends {
  readonly containers: ContainersBackend;
  readonly execs: ExecsBackend;
  readonly images: ImagesBackend;
  readonly networks: NetworksBackend;
  readonly volumes: VolumesBackend;
  readonly system: SystemBackend;
  readonly swarm: SwarmMembershipBackend;
  readonly control: ControlCaller;
  /** Missing: those routes refuse. */
  readonly stats?: StatsBackend;
  readonly archive?: ContainerArchiveBackend;
  readonly commits?: CommitBackend;
  readonly builder?: BuildBackend;
  /** Says that a user has emptied the cache of builds, which holds nothing that images do not. */
  readonly pruneBuildCache?: () => void;
  /** Bytes of each layer by its diff id. Missing: layers are not told apart. */
  readonly layerSizes?: () => Promise<ReadonlyMap<string, number>>;
  /** The folders of a container's root file system; undefined when it has none. Missing: they are not told. */
  readonly rootFolders?: (id: ContainerId) => RootFolders | undefined;
  /** Undefined for an image without layers. Missing: they are not told. */
  readonly imageFolders?: (image: Image) => ImageFolders | undefined;
  /** By name. Missing: volumes are not measured. */
  readonly volumeSizes?: () => Promise<ReadonlyMap<string, VolumeUsage>>;
  /** Logs of services and tasks, wherever their containers are. Missing: those routes refuse. */
  readonly clusterLogs?: LogsBackend;
}

export interface LogsBackend {
  /** @param target - Ids, found before. Every line carries where it came from in `details` form when `details` is set. */
  clusterLogs(target: { readonly kind: "service" | "task"; readonly id: string }, options: LogOptions): Promise<LogStream>;
}

/** What a route may use. */
export interface ApiContext {
  readonly backends: Backends;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
