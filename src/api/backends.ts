import type {
  Container,
  ContainerConfig,
  CreateContainerRequest,
  EndpointConfig,
  EngineEvent,
  ExecConfig,
  ExecState,
  HostConfig,
} from "../model/container.ts";
import type { Filters } from "../model/control.ts";
import type { CreateNetworkRequest, EngineNetwork, Volume } from "../model/engine-network.ts";
import type { ContainerId, ExecId, ImageId } from "../model/ids.ts";
import type { Image } from "../model/image.ts";
import type { PluginPrivilege } from "../model/plugin.ts";
import type { PortableBundle } from "../model/portable-bundle.ts";
import type { GenericResource } from "../model/resources.ts";
import type { ContainerStats } from "../model/stats.ts";

/** What REST needs of the engine. Every method that takes `idOrName` throws OperationError `not-found` in Docker's words: `No such container: foo`. */
export interface ContainersBackend {
  /** A client is there, and may start something in a moment. Returns at once. */
  expectStart?(): void;
  /** @returns warnings for the user, in Docker's words. */
  create(request: CreateContainerRequest): Promise<{ readonly id: ContainerId; readonly warnings: readonly string[] }>;
  inspect(idOrName: string, options?: { readonly size?: boolean }): Promise<Container>;
  bundle(idOrName: string): Promise<PortableBundle>;
  /** Newest first. Takes no lock. `all: false`: running ones only, unless a filter asks for others. */
  list(options: {
    readonly all: boolean;
    readonly limit?: number;
    readonly size?: boolean;
    readonly filters: Filters;
  }): Promise<readonly Container[]>;
  start(idOrName: string, options?: { readonly detachKeys?: string }): Promise<void>;
  /** @throws OperationError `not-modified` when it does not run. */
  stop(idOrName: string, options: { readonly timeoutSeconds?: number; readonly signal?: string }): Promise<void>;
  restart(idOrName: string, options: { readonly timeoutSeconds?: number; readonly signal?: string }): Promise<void>;
  kill(idOrName: string, signal: string): Promise<void>;
  pause(idOrName: string): Promise<void>;
  unpause(idOrName: string): Promise<void>;
  rename(idOrName: string, name: string): Promise<void>;
  remove(
    idOrName: string,
    options: { readonly force: boolean; readonly volumes: boolean; readonly link: boolean },
  ): Promise<void>;
  update(idOrName: string, changes: Partial<HostConfig>): Promise<readonly string[]>;
  /** Registers before it returns the inner promise, so that headers may be sent at once. */
  wait(
    idOrName: string,
    condition: "not-running" | "next-exit" | "removed",
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly result: Promise<{ readonly exitCode: number; readonly error?: string }> }>;
  resize(idOrName: string, size: TerminalSize): Promise<void>;
  top(
    idOrName: string,
    psArgs: string,
  ): Promise<{ readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] }>;
  /** Connects a client; ends when the container has, or by `signal`. */
  attach(idOrName: string, options: AttachOptions): Promise<void>;
  logs(idOrName: string, options: LogOptions): Promise<LogStream>;
  prune(filters: Filters): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }>;
  connectNetwork(
    network: string,
    idOrName: string,
    endpoint: EndpointConfig,
    options: { readonly force: boolean },
  ): Promise<void>;
  disconnectNetwork(network: string, idOrName: string, options: { readonly force: boolean }): Promise<void>;
}

export interface StatsBackend {
  /** One a second until the container is removed, or one; `isOneShot`: at once, with nothing to compare it to. */
  stats(
    idOrName: string,
    options: { readonly isStream: boolean; readonly isOneShot: boolean; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<ContainerStats>>;
}

/** Files of containers, running or not. */
export interface ContainerArchiveBackend {
  /** @throws OperationError `not-found`: `Could not find the file /x in container y`. */
  stat(idOrName: string, path: string): Promise<PathStat>;
  /** The archive must be read, or `signal` aborted. */
  read(
    idOrName: string,
    options: { readonly path: string; readonly signal: AbortSignal },
  ): Promise<{ readonly stat: PathStat; readonly archive: AsyncIterable<Uint8Array> }>;
  write(
    idOrName: string,
    request: {
      readonly path: string;
      readonly noOverwriteDirNonDir: boolean;
      readonly copyUidGid: boolean;
      readonly archive: AsyncIterable<Uint8Array>;
    },
  ): Promise<void>;
  exportTree(idOrName: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Kinds: 0 modified, 1 added, 2 deleted. */
  changes(idOrName: string, signal: AbortSignal): Promise<readonly { readonly path: string; readonly kind: 0 | 1 | 2 }[]>;
}

export interface CommitBackend {
  /** An image of a container: its own changes as one more layer. */
  commit(
    idOrName: string,
    request: {
      readonly repository: string;
      readonly tag: string;
      readonly comment: string;
      readonly author: string;
      /** Dockerfile instructions. */
      readonly changes: readonly string[];
      /** What replaces the container's own settings. */
      readonly config: Partial<ContainerConfig>;
      readonly pauses: boolean;
      readonly signal: AbortSignal;
    },
  ): Promise<ImageId>;
}

/** Where a container's root file system lies; `lower` topmost first. */
export interface RootFolders {
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly merged: string;
}

/** Where an image's topmost layer lies, and those below it, topmost first. */
export type ImageFolders = Pick<RootFolders, "upper" | "lower">;

/** What a volume holds, and how many containers have it. */
export interface VolumeUsage {
  readonly sizeBytes: number;
  readonly containers: number;
}

export interface PathStat {
  readonly name: string;
  readonly sizeBytes: number;
  /** Go's os.FileMode. */
  readonly mode: number;
  /** ns since 1970, in decimal. */
  readonly mtimeNs: string;
  readonly linkTarget: string;
}

export interface TerminalSize {
  readonly heightCells: number;
  readonly widthCells: number;
}

/** A client's end of an attach or exec: REST frames it (or not, for a terminal) and applies back-pressure. */
export interface AttachOptions {
  readonly stream: boolean;
  readonly logs: boolean;
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Resolves when the client can take more. */
  readonly output?: (stream: "stdout" | "stderr", data: Uint8Array) => Promise<void>;
  readonly wantsStdout: boolean;
  readonly wantsStderr: boolean;
  readonly detachKeys?: string;
  readonly signal: AbortSignal;
  /** Called once everything was found right, before the first byte: REST then answers 101 or 200. */
  readonly onReady: (isTty: boolean) => void;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly wantsStdout: boolean;
  readonly wantsStderr: boolean;
  /** ns since 1970. */
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** Missing: all. */
  readonly tail?: number;
  readonly signal: AbortSignal;
}

export interface LogStream {
  readonly isTty: boolean;
  /** Whole lines with their newline, timestamps in front where asked for; as many together as there are. */
  readonly batches: AsyncIterable<readonly LogLine[]>;
}

export interface LogLine {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

export interface ExecsBackend {
  create(container: string, config: ExecConfig): Promise<ExecId>;
  inspect(id: string): ExecState;
  /** With `detach` it returns when the process runs; otherwise when it has ended. */
  start(
    id: string,
    options:
      | (Omit<AttachOptions, "logs" | "stream"> & { readonly detach: false; readonly consoleSize?: TerminalSize })
      | { readonly detach: true },
  ): Promise<void>;
  resize(id: string, size: TerminalSize): Promise<void>;
}

export interface ImagesBackend {
  list(options: {
    readonly all: boolean;
    readonly filters: Filters;
  }): Promise<readonly (Image & { readonly containers: number })[]>;
  /** @throws OperationError `not-found`: `No such image: foo:latest`. */
  inspect(reference: string): Promise<Image>;
  /** A `docker save` or OCI archive, plain or compressed. Yields Docker's progress messages; throws when it fails, with nothing kept. */
  load(archive: AsyncIterable<Uint8Array>, options: { readonly quiet: boolean }): AsyncIterable<ProgressMessage>;
  save(references: readonly string[], options: { readonly signal: AbortSignal }): AsyncIterable<Uint8Array>;
  /** A root file system as a tar. @param changes - Dockerfile instructions. */
  importArchive(
    archive: AsyncIterable<Uint8Array>,
    options: {
      readonly repository: string;
      readonly tag: string;
      readonly message: string;
      readonly changes: readonly string[];
      readonly platform: string;
    },
  ): AsyncIterable<ProgressMessage>;
  pull(
    reference: string,
    options: { readonly platform: string; readonly auth?: string; readonly signal: AbortSignal },
  ): AsyncIterable<ProgressMessage>;
  tag(reference: string, repository: string, tag: string): Promise<void>;
  remove(
    reference: string,
    options: { readonly force: boolean; readonly prune: boolean },
  ): Promise<readonly ({ readonly untagged: string } | { readonly deleted: string })[]>;
  prune(filters: Filters): Promise<{
    readonly deleted: readonly ({ readonly untagged: string } | { readonly deleted: string })[];
    readonly reclaimedBytes: number;
  }>;
}

/** @see Docker's JSONMessage: what `docker load` and `docker pull` print. */
export interface ProgressMessage {
  readonly id?: string;
  readonly status?: string;
  readonly stream?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly aux?: unknown;
}

export interface NetworksBackend {
  create(request: CreateNetworkRequest): Promise<{ readonly id: string; readonly warning: string }>;
  inspect(idOrName: string): Promise<EngineNetwork>;
  list(filters: Filters): Promise<readonly EngineNetwork[]>;
  remove(idOrName: string): Promise<void>;
  prune(filters: Filters): Promise<readonly string[]>;
}

export interface VolumesBackend {
  create(request: {
    readonly name: string;
    readonly driver: string;
    readonly options: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  }): Promise<Volume>;
  inspect(name: string): Promise<Volume>;
  list(filters: Filters): Promise<readonly Volume[]>;
  remove(name: string, options: { readonly force: boolean }): Promise<void>;
  prune(filters: Filters): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }>;
}

export interface SystemBackend {
  /** Facts for /info and /version; REST adds counts from the other backends. */
  info(): Promise<SystemInfo>;
  events(options: {
    readonly sinceNs?: bigint;
    readonly untilNs?: bigint;
    readonly filters: Filters;
    readonly signal: AbortSignal;
  }): AsyncIterable<EngineEvent>;
  /**
   * Asks a registry whether it takes the credentials.
   * @returns a token in place of the password, where the registry gives one; else empty.
   * @throws OperationError `unauthorized` when it does not take them.
   */
  login(credentials: Credentials, signal: AbortSignal): Promise<string>;
  /** What a plugin in a registry needs of its host; nothing where the registry cannot be asked. @param remote - Its name, as users write it. */
  pluginPrivileges(
    remote: string,
    options: { readonly credentials: Credentials; readonly signal: AbortSignal },
  ): Promise<readonly PluginPrivilege[]>;
}

/** What a user gives to log in to a registry. */
export interface Credentials {
  /** Empty: the default registry. */
  readonly serverAddress: string;
  readonly username: string;
  readonly password: string;
  /** From an earlier login, in place of the password. */
  readonly identityToken: string;
}

/** What `info` shows of the daemon's own settings. */
export interface SettingsInInfo {
  readonly labels: readonly string[];
  readonly genericResources: readonly GenericResource[];
  readonly liveRestore: boolean;
  readonly isDebug: boolean;
  readonly authorizationPlugins: readonly string[];
  /** A path, `unconfined` or `builtin`. */
  readonly seccompProfile: string;
  readonly loggingDriver: string;
  readonly initBinary: string;
  readonly registry: {
    readonly mirrors: readonly string[];
    readonly insecure: readonly string[];
    readonly proxies: { readonly http: string; readonly https: string; readonly exceptions: string };
  };
}

export interface SystemInfo extends SettingsInInfo {
  readonly id: string;
  readonly hostname: string;
  readonly kernelVersion: string;
  readonly operatingSystem: string;
  readonly osVersion: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly dataRoot: string;
  readonly cgroupVersion: 1 | 2;
  /** Containers' ids are others on the host. */
  readonly isRemapped: boolean;
  /** What of the control groups' limits this kernel has. */
  readonly limits: KernelLimits;
  /** Under the data root: `extfs`. */
  readonly backingFileSystem: string;
  /** Whether overlay mounts copy up metadata alone, by the kernel's default. */
  readonly usesMetacopy: boolean;
  readonly process: ProcessFacts;
  /** `features`: the runtime's own account of what it can do, as JSON; undefined for one that gives none. */
  readonly runtimes: Readonly<
    Record<string, { readonly path: string; readonly version: string; readonly features?: string | undefined }>
  >;
  readonly defaultRuntime: string;
  readonly conmonVersion: string;
  readonly version: string;
  readonly commit: string;
  readonly builtAt: string;
  readonly startedAtMs: number;
  readonly warnings: readonly string[];
}

export interface KernelLimits {
  readonly memory: boolean;
  readonly swap: boolean;
  readonly kernelMemory: boolean;
  readonly kernelMemoryTcp: boolean;
  readonly cpuShares: boolean;
  readonly cpuQuota: boolean;
  readonly cpuset: boolean;
  readonly pids: boolean;
}

/** What changes while the daemon runs. */
export interface ProcessFacts {
  readonly openFiles: number;
  /** Timers, sockets, requests: what keeps the process awake. */
  readonly activeResources: number;
  readonly eventListeners: number;
  readonly forwardsIpv4: boolean;
}

export type { ContainerConfig };
