import type { IdMap } from "../../model/id-map.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Exec } from "../../ports/exec.ts";
import type { Log } from "../../ports/log.ts";
import type { KernelNetwork } from "../../ports/kernel-network.ts";
import type { Random } from "../../ports/random.ts";
import type { ContainerDefaults } from "./container-defaults.ts";
import type { EventLog } from "../events/event-log.ts";
import type { LogNetwork } from "../logs/forward/log-network.ts";
import type { Shim } from "../runtime/shim.ts";
import type { StateDatabase } from "../state/database.ts";
import type { ContainerImages, ContainerNetworks, ContainerVolumes } from "./needs.ts";
import type { RuntimeSpecs } from "./runtime-specs.ts";

/** What the life of containers is built on. */
export interface ContainerDependencies {
  readonly shim: Shim;
  readonly specs: RuntimeSpecs;
  readonly images: ContainerImages;
  readonly networks: ContainerNetworks;
  readonly volumes: ContainerVolumes;
  readonly database: StateDatabase;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly exec: Exec;
  /** For health checks that are made without a process in the container. */
  readonly connectTcp: KernelNetwork["connectTcp"];
  readonly log: Log;
  /** Finds a path below a folder and keeps it from being another by the time it is mounted. @throws OperationError `invalid`. */
  readonly holdPath: (folder: string, path: string) => { readonly path: string } & Disposable;
  /** Copies what a tree has at a path into an empty folder, in which other containers may be writing. */
  readonly fillFolder: (folder: string, from: { readonly tree: string; readonly path: string }) => Promise<void>;
  /** How logs that are sent elsewhere get there. */
  readonly logNetwork: LogNetwork;
  /** Survives a reboot. */
  readonly dataRoot: string;
  /** Gone after a reboot. */
  readonly execRoot: string;
  /** Names this boot of the machine. @see /proc/sys/kernel/random/boot_id */
  readonly bootId: () => string;
  /** The host's name, for containers on the host's network. */
  readonly hostname: () => string;
  /** What inspect shows where the user named no runtime. */
  readonly defaultRuntime: () => string;
  /** For what creators leave open, as it is now. Missing: Docker's. */
  readonly defaults?: () => ContainerDefaults;
  /** Missing: any name may be one. */
  readonly hasRuntime?: (name: string) => boolean;
  /** Whose ids containers' are on the host; missing: their own. */
  readonly idMap?: IdMap;
  readonly cgroupVersion: 1 | 2;
  /** What is masked of this machine's processors, beside what is masked everywhere. */
  readonly throttlePaths?: readonly string[];
}
