import type { Healthcheck, Labels, Mount, Ulimit } from "./cluster.ts";
import type { ContainerId, EngineNetworkId, ExecId, ImageId } from "./ids.ts";

/** What the user asks of a container. Named after Docker's ContainerConfig; `undefined` means: not given. */
export interface ContainerConfig {
  readonly hostname: string;
  readonly domainname: string;
  readonly user: string;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly cmd?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly healthcheck?: Healthcheck;
  /** As the user named it. */
  readonly image: string;
  /** Paths. */
  readonly volumes: readonly string[];
  readonly workingDir: string;
  readonly networkDisabled: boolean;
  readonly labels: Labels;
  readonly stopSignal?: string;
  readonly stopTimeoutSeconds?: number;
  /** `80/tcp`. */
  readonly exposedPorts: readonly string[];
  readonly onBuild?: readonly string[];
  readonly shell?: readonly string[];
  /** Of Windows: kept and shown, of no effect here. */
  readonly argsEscaped?: true;
}

export interface PortBinding {
  readonly hostIp: string;
  /** A number, a range `8000-8010`, or empty: any free port. */
  readonly hostPort: string;
}

export interface RestartPolicy {
  readonly name: "" | "no" | "always" | "on-failure" | "unless-stopped";
  readonly maximumRetryCount: number;
}

/** Drivers that a log can have, besides `none`. */
export const LOG_DRIVERS = ["fluentd", "gelf", "journald", "json-file", "local", "syslog"] as const;

export interface LogConfig {
  readonly type: string;
  readonly options: Labels;
}

/** Docker's HostConfig with Resources. Zero, "" and [] mean: not set, unless said otherwise. */
export interface HostConfig {
  /** Wire names of the lists and maps that were given, but empty: inspect tells them from those that were not given. */
  readonly givenEmpty?: readonly string[];
  /** `source:target[:options]`. */
  readonly binds: readonly string[];
  readonly containerIdFile: string;
  readonly logConfig: LogConfig;
  readonly networkMode: string;
  /** By `80/tcp`. */
  readonly portBindings: Readonly<Record<string, readonly PortBinding[]>>;
  readonly restartPolicy: RestartPolicy;
  readonly autoRemove: boolean;
  readonly volumeDriver: string;
  readonly volumesFrom: readonly string[];
  readonly mounts: readonly Mount[];
  readonly consoleSize?: readonly [heightCells: number, widthCells: number];
  readonly annotations: Labels;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly cgroupnsMode: string;
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly extraHosts: readonly string[];
  readonly groupAdd: readonly string[];
  readonly ipcMode: string;
  readonly cgroup: string;
  readonly links: readonly string[];
  readonly oomScoreAdj: number;
  readonly pidMode: string;
  readonly privileged: boolean;
  readonly publishAllPorts: boolean;
  readonly readonlyRootfs: boolean;
  readonly securityOpt: readonly string[];
  readonly storageOpt: Labels;
  /** Path to options. */
  readonly tmpfs: Labels;
  readonly utsMode: string;
  readonly usernsMode: string;
  readonly shmSizeBytes: number;
  readonly sysctls: Labels;
  readonly runtime: string;
  readonly isolation: string;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly init?: boolean;
  // Resources
  readonly cpuShares: number;
  readonly memoryBytes: number;
  readonly nanoCpus: number;
  readonly cgroupParent: string;
  readonly blkioWeight: number;
  readonly blkioWeightDevice: readonly { readonly path: string; readonly weight: number }[];
  readonly blkioDeviceReadBps: readonly ThrottleDevice[];
  readonly blkioDeviceWriteBps: readonly ThrottleDevice[];
  readonly blkioDeviceReadIops: readonly ThrottleDevice[];
  readonly blkioDeviceWriteIops: readonly ThrottleDevice[];
  readonly cpuPeriodUs: number;
  readonly cpuQuotaUs: number;
  readonly cpuRealtimePeriodUs: number;
  readonly cpuRealtimeRuntimeUs: number;
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  readonly devices: readonly {
    readonly pathOnHost: string;
    readonly pathInContainer: string;
    readonly cgroupPermissions: string;
  }[];
  readonly deviceCgroupRules: readonly string[];
  readonly deviceRequests: readonly {
    readonly driver: string;
    readonly count: number;
    readonly deviceIds: readonly string[];
    readonly capabilities: readonly (readonly string[])[];
    readonly options: Labels;
  }[];
  readonly memoryReservationBytes: number;
  readonly memorySwapBytes: number;
  readonly memorySwappiness?: number;
  readonly oomKillDisable?: boolean;
  readonly pidsLimit?: number;
  readonly ulimits: readonly Ulimit[];
}

/** What `docker update` can change beside the restart policy: what the kernel can change of a control group in use. */
export const CHANGEABLE_RESOURCES = [
  "blkioWeight",
  "blkioWeightDevice",
  "blkioDeviceReadBps",
  "blkioDeviceWriteBps",
  "blkioDeviceReadIops",
  "blkioDeviceWriteIops",
  "cpuShares",
  "cpuPeriodUs",
  "cpuQuotaUs",
  "cpuRealtimePeriodUs",
  "cpuRealtimeRuntimeUs",
  "cpusetCpus",
  "cpusetMems",
  "memoryBytes",
  "memoryReservationBytes",
  "memorySwapBytes",
  "memorySwappiness",
  "nanoCpus",
  "oomKillDisable",
  "pidsLimit",
] as const satisfies readonly (keyof HostConfig)[];

export interface ThrottleDevice {
  readonly path: string;
  readonly rate: number;
}

/** How a container wants to be on one network. */
export interface EndpointConfig {
  /** Settings of addresses were given, with none in them: inspect shows what was given. */
  readonly isIpamEmpty?: true;
  readonly ipv4Address?: string;
  readonly ipv6Address?: string;
  readonly linkLocalIps?: readonly string[];
  readonly links?: readonly string[];
  readonly aliases?: readonly string[];
  readonly driverOptions?: Labels;
  readonly macAddress?: string;
  readonly gatewayPriority?: number;
  /** A task's: its address was given by the managers, with the task. */
  readonly isAllocated?: true;
  /** The network that is meant, where the client knows it: another one of that name is not. */
  readonly networkId?: string;
}

export interface CreateContainerRequest {
  /** Without the leading slash; missing: one is made up. */
  readonly name?: string;
  readonly platform?: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** By network name or id. */
  readonly endpoints: Readonly<Record<string, EndpointConfig>>;
}

/** How a container is on a network now; addresses are empty while it does not run. */
export interface EndpointState {
  readonly config: EndpointConfig;
  readonly networkId: EngineNetworkId | "";
  readonly endpointId: string;
  readonly gateway: string;
  readonly ipAddress: string;
  readonly ipPrefixLength: number;
  readonly ipv6Gateway: string;
  readonly globalIpv6Address: string;
  readonly globalIpv6PrefixLength: number;
  readonly macAddress: string;
  readonly dnsNames: readonly string[];
}

export interface NetworkState {
  readonly sandboxId: string;
  readonly sandboxKey: string;
  /** By `80/tcp`; a port that is exposed but not published has none. */
  readonly ports: Readonly<Record<string, readonly PortBinding[]>>;
  /** By network name. */
  readonly endpoints: Readonly<Record<string, EndpointState>>;
}

export type ContainerStatus = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

export interface ContainerState {
  readonly status: ContainerStatus;
  readonly pid: number;
  readonly exitCode: number;
  readonly isOomKilled: boolean;
  readonly error: string;
  /** Missing: never. */
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly health?: HealthState;
}

export interface HealthState {
  readonly status: "none" | "starting" | "healthy" | "unhealthy";
  readonly failingStreak: number;
  readonly log: readonly {
    readonly startAtMs: number;
    readonly endAtMs: number;
    readonly exitCode: number;
    readonly output: string;
  }[];
}

/** A mount as it came out of binds, mounts, volumes and the image. */
export interface MountPoint {
  readonly type: "bind" | "volume" | "tmpfs" | "image";
  /** Of a volume. */
  readonly name?: string;
  readonly source: string;
  readonly destination: string;
  readonly driver?: string;
  readonly mode: string;
  readonly isWritable: boolean;
  readonly propagation: string;
}

/** A container as REST shows it. */
export interface Container {
  readonly id: ContainerId;
  /** Without the leading slash. */
  readonly name: string;
  readonly createdAtMs: number;
  readonly imageId: ImageId;
  readonly path: string;
  readonly args: readonly string[];
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly state: ContainerState;
  readonly networks: NetworkState;
  readonly mounts: readonly MountPoint[];
  readonly restartCount: number;
  readonly platform: string;
  readonly logPath: string;
  readonly resolvConfPath: string;
  readonly hostnamePath: string;
  readonly hostsPath: string;
  readonly execIds: readonly ExecId[];
  /** What others are linked to it by, in a list of containers: `web/database`. */
  readonly linkNames?: readonly string[];
  readonly sizeRootFsBytes?: number;
  readonly sizeWritableBytes?: number;
}

export interface ExecConfig {
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly detachKeys: string;
  readonly consoleSize?: readonly [heightCells: number, widthCells: number];
}

export interface ExecState {
  readonly id: ExecId;
  readonly containerId: ContainerId;
  readonly config: ExecConfig;
  readonly isRunning: boolean;
  /** Missing until it has ended. */
  readonly exitCode?: number;
  readonly pid: number;
}

/** @see Docker's GET /events. */
export interface EngineEvent {
  readonly type:
    | "container"
    | "image"
    | "network"
    | "volume"
    | "daemon"
    | "service"
    | "node"
    | "secret"
    | "config"
    | "plugin"
    | "builder";
  readonly action: string;
  readonly actorId: string;
  readonly attributes: Labels;
  readonly scope: "local" | "swarm";
  readonly timeNs: bigint;
}
