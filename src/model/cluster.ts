export type { Config, FileSpec, Reloading, Secret } from "./cluster-files.ts";
export type { ExternalCa } from "./external-ca.ts";
export type { UpdateConfig, UpdateStatus } from "./service-update.ts";
import type { ExternalCa } from "./external-ca.ts";
import type { ClusterId, ConfigId, NetworkId, NodeId, RevisionId, SecretId, ServiceId, TaskId } from "./ids.ts";
import type { GenericResource, NodeResources, ResourceRequirements } from "./resources.ts";
import type { Sequenced } from "./sequenced.ts";
import type { ServiceHostOptions } from "./service-host-options.ts";
import type { ServicePrivileges } from "./service-privileges.ts";
import type { UpdateConfig, UpdateStatus } from "./service-update.ts";
import type { TaskAttachment } from "./task-attachment.ts";
import type { TaskState } from "./task-state.ts";

/** What every replicated object carries. Times are set where the change is made, never in `apply`. */
export interface ObjectMeta {
  /** The Raft index of the entry that wrote this version. A change names the version it relied on. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export type Labels = Readonly<Record<string, string>>;

// ---- services ----

export interface Service extends ObjectMeta, Sequenced {
  readonly id: ServiceId;
  readonly spec: ServiceSpec;
  /** The revision that `spec` is; tasks name theirs. */
  readonly revisionId: RevisionId;
  readonly previousSpec?: ServiceSpec;
  readonly previousRevisionId?: RevisionId;
  readonly endpoint: ServiceEndpoint;
  readonly updateStatus?: UpdateStatus;
  /** Set by the user's `rm`: its tasks are being taken down; it goes when the last one has. */
  readonly isRemoving: boolean;
  /** The previous spec is being put back, by the user or by failureAction `rollback`. */
  readonly isRollingBack: boolean;
  /** Jobs only: each change of the job, also one that changes nothing, runs it again. */
  readonly job?: { readonly iteration: number; readonly lastExecutedAtMs: number };
}

/** A task template that tasks run. An object of its own, kept while a task or a rollback needs it. */
export interface Revision extends ObjectMeta {
  readonly id: RevisionId;
  readonly serviceId: ServiceId;
  readonly task: TaskSpec;
  readonly endpoint: EndpointSpec;
}

export interface ServiceSpec {
  readonly name: string;
  readonly labels: Labels;
  readonly task: TaskSpec;
  readonly mode: ServiceMode;
  readonly update?: UpdateConfig;
  readonly rollback?: UpdateConfig;
  readonly endpoint?: EndpointSpec;
}

export type ServiceMode =
  | { readonly kind: "replicated"; readonly replicas: number }
  | { readonly kind: "global" }
  | { readonly kind: "replicated-job"; readonly maxConcurrent: number; readonly totalCompletions: number }
  | { readonly kind: "global-job" };

export interface TaskSpec {
  readonly container: ServiceContainerSpec;
  readonly resources?: ResourceRequirements;
  readonly restart?: RestartSpec;
  readonly placement?: Placement;
  readonly networks: readonly NetworkAttachmentSpec[];
  readonly logDriver?: { readonly name: string; readonly options: Labels };
  /** Each `--force` counts it up, so that nothing else need change for tasks to be replaced. */
  readonly forceUpdate: number;
  readonly runtime?: string;
}

export interface ServiceContainerSpec {
  readonly image: string;
  readonly labels: Labels;
  /** Docker calls it Command: replaces the image's entrypoint. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly hostname?: string;
  readonly env?: readonly string[];
  readonly dir?: string;
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly tty?: boolean;
  readonly openStdin?: boolean;
  readonly readOnly?: boolean;
  readonly mounts?: readonly Mount[];
  readonly stopSignal?: string;
  readonly stopGracePeriodNs?: number;
  readonly healthcheck?: Healthcheck;
  readonly hosts?: readonly string[];
  readonly dns?: {
    readonly nameservers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
  readonly secrets?: readonly FileReference<SecretId>[];
  readonly configs?: readonly FileReference<ConfigId>[];
  readonly init?: boolean;
  readonly sysctls?: Labels;
  readonly capabilityAdd?: readonly string[];
  readonly capabilityDrop?: readonly string[];
  readonly ulimits?: readonly Ulimit[];
  readonly isolation?: string;
  readonly oomScoreAdj?: number;
  readonly privileges?: ServicePrivileges;
  readonly hostOptions?: ServiceHostOptions;
}

export interface FileReference<Id> {
  readonly id: Id;
  readonly name: string;
  readonly file: { readonly name: string; readonly uid: string; readonly gid: string; readonly mode: number };
}

export interface Mount {
  readonly type: "bind" | "volume" | "tmpfs" | "image" | "npipe" | "cluster";
  readonly source?: string;
  readonly target: string;
  readonly readOnly?: boolean;
  readonly consistency?: string;
  readonly bind?: {
    readonly propagation?: string;
    readonly nonRecursive?: boolean;
    readonly createMountpoint?: boolean;
    readonly readOnlyNonRecursive?: boolean;
    readonly readOnlyForceRecursive?: boolean;
  };
  readonly volume?: {
    readonly noCopy?: boolean;
    readonly labels?: Labels;
    readonly driverName?: string;
    readonly driverOptions?: Labels;
    readonly subpath?: string;
  };
  readonly tmpfs?: { readonly sizeBytes?: number; readonly mode?: number; readonly options?: readonly (readonly string[])[] };
  readonly image?: { readonly subpath?: string };
}

export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]`, `["CMD-SHELL", line]`, `["HTTP", url]` or `["TCP", address]`; empty inherits the image's. */
  readonly test?: readonly string[];
  readonly intervalNs?: number;
  readonly timeoutNs?: number;
  readonly startPeriodNs?: number;
  readonly startIntervalNs?: number;
  readonly retries?: number;
}

export interface RestartSpec {
  readonly condition: "none" | "on-failure" | "any";
  readonly delayNs?: number;
  readonly maxAttempts?: number;
  readonly windowNs?: number;
}

export interface Placement {
  readonly constraints?: readonly string[];
  /** `spread=node.labels.zone`: the descriptor alone. */
  readonly preferences?: readonly { readonly spreadDescriptor: string }[];
  readonly maxReplicas?: number;
  readonly platforms?: readonly { readonly architecture: string; readonly os: string }[];
}

export interface NetworkAttachmentSpec {
  /** A network's id or name, as the user gave it; the control API puts the id here before it is stored. */
  readonly target: string;
  readonly aliases?: readonly string[];
  readonly driverOptions?: Labels;
  /** Beyond Docker: what its tasks have there, slot 1 the first: `10.0.1.20`, or a row of them, `10.0.1.20-10.0.1.29`. Missing: whatever is free. */
  readonly addresses?: readonly string[];
}

export interface EndpointSpec {
  readonly mode: "vip" | "dnsrr";
  readonly ports: readonly PortConfig[];
}

export interface PortConfig {
  readonly name?: string;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly targetPort: number;
  /** 0 or missing in a spec: the allocator picks one from 30000 on. */
  readonly publishedPort?: number;
  readonly publishMode: "ingress" | "host";
}

export interface ServiceEndpoint {
  readonly ports: readonly PortConfig[];
  /** One address in CIDR form per network the service is on. */
  readonly virtualIps: readonly { readonly networkId: NetworkId; readonly address: string }[];
}

// ---- tasks ----

export interface Task extends ObjectMeta {
  readonly id: TaskId;
  readonly serviceId: ServiceId;
  readonly revisionId: RevisionId;
  /** From 1; 0 in a global service. */
  readonly slot: number;
  /** Missing until it is placed; never changes afterwards. In a global service it is set when the task is made. */
  readonly nodeId?: NodeId;
  readonly desiredState: TaskState;
  readonly status: TaskStatus;
  readonly networks: readonly TaskNetwork[];
  /** Host-mode ports as they were given, set when the task is placed. */
  readonly hostPorts: readonly PortConfig[];
  /** Those of its node that it has, by name where they have names; set when the task is placed. */
  readonly genericResources?: readonly GenericResource[];
  /** `status.atMs` at the time the supervisor decides whether to start its successor: no earlier than this. */
  readonly startNotBeforeMs?: number;
  /** Its node is drained and another task is to take its place first: it is stopped then at the latest. */
  readonly stopNotAfterMs?: number;
  /** How long it ran until it ended, by its node's clock; missing when it was not known to run. */
  readonly ranForMs?: number;
  /** Jobs only: the run that it is a task of. */
  readonly jobIteration?: number;
  /** Of a container made by hand on a network of the cluster: it has no service, revision or slot, and runs as long as the container is there. */
  readonly attachment?: TaskAttachment;
}

export interface TaskStatus {
  readonly state: TaskState;
  readonly atMs: number;
  readonly message: string;
  readonly error?: string;
  readonly container?: { readonly containerId: string; readonly pid: number; readonly exitCode: number };
  readonly portStatus?: readonly PortConfig[];
}

export interface TaskNetwork {
  readonly networkId: NetworkId;
  /** In CIDR form. */
  readonly addresses: readonly string[];
  readonly aliases: readonly string[];
}

// ---- nodes ----

export interface Node extends ObjectMeta, Sequenced {
  readonly id: NodeId;
  readonly spec: NodeSpec;
  readonly description?: NodeDescription;
  /** The role that its certificate has; `spec.role` is the one wanted. */
  readonly role: NodeRole;
  readonly status: {
    readonly state: "unknown" | "down" | "ready" | "disconnected";
    readonly message: string;
    readonly address: string;
  };
  /** Only on managers. */
  readonly manager?: { readonly raftId: number; readonly address: string };
  /** A small number from 1, never two nodes' at once: MAC address, conntrack zone and mark of its ingress traffic come from it. */
  readonly ingressNumber?: number;
  /** Its own address in the ingress network, CIDR form. */
  readonly ingressAddress?: string;
}

export type NodeRole = "worker" | "manager";

export interface NodeSpec {
  readonly name?: string;
  readonly labels: Labels;
  readonly role: NodeRole;
  readonly availability: "active" | "pause" | "drain";
}

export interface NodeDescription {
  readonly hostname: string;
  readonly platform: { readonly architecture: string; readonly os: string };
  readonly resources: NodeResources;
  readonly engine: {
    readonly version: string;
    readonly labels: Labels;
    readonly plugins: readonly { readonly type: string; readonly name: string }[];
  };
  readonly tls?: NodeTls;
  /** Missing: others send what goes over overlay networks to where they reach the node. */
  readonly dataPathAddress?: string;
}

/** What a node trusts, and whose certificate it has. */
export interface NodeTls {
  /** PEM; several while the root is being replaced. */
  readonly trustRoot: string;
  readonly issuer: CertificateIssuer;
}

// ---- networks ----

export interface Network extends ObjectMeta {
  readonly id: NetworkId;
  readonly spec: NetworkSpec;
  /** Missing until allocated. */
  readonly vxlanId?: number;
  /** UDP port of its tunnels; missing: 4789. */
  readonly vxlanPort?: number;
  readonly ipam: readonly (NetworkSpec["ipam"][number] & { readonly subnet: string; readonly gateway: string })[];
}

export interface NetworkSpec {
  readonly name: string;
  readonly labels: Labels;
  readonly driver: string;
  readonly driverOptions: Labels;
  readonly isInternal: boolean;
  readonly isAttachable: boolean;
  readonly isIngress: boolean;
  readonly isIpv6: boolean;
  readonly ipam: readonly {
    readonly subnet?: string;
    readonly gateway?: string;
    readonly ipRange?: string;
    /** Used by something that is none of the cluster's: given to nobody. By name. */
    readonly auxiliaryAddresses?: Labels;
  }[];
  readonly scope: "swarm";
}

// ---- the cluster itself: one object ----

export interface Cluster extends ObjectMeta, Sequenced {
  readonly id: ClusterId;
  readonly spec: ClusterSpec;
  readonly rootCa: {
    readonly certificatePem: string;
    readonly keyPem: string;
    readonly joinTokenWorker: string;
    readonly joinTokenManager: string;
    /** Whose certificates nodes are to have: the root's, or in a rotation the next one's. Missing in clusters made before it was kept. */
    readonly issuer?: CertificateIssuer;
    /** The root is being replaced: certificates are signed by the next one, and lead to either root. */
    readonly rotation?: RootRotation;
  };
  readonly defaultAddressPool: readonly string[];
  readonly subnetSize: number;
  readonly dataPathPort: number;
  /** What managers that start are unlocked with; missing while `autoLockManagers` is off. */
  readonly unlockKey?: Uint8Array;
  /** The format of the log's entries that is in force: what all managers can read. Missing: the first. */
  readonly formatLevel?: number;
  /** How often one manager has gone on alone, made to or from a backup. Missing: never. */
  readonly epoch?: number;
}

/** Who signed a certificate: DER, base 64. */
export interface CertificateIssuer {
  readonly subject: string;
  readonly publicKey: string;
}

export interface RootRotation {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** The next root's name and key, signed by the present root. */
  readonly crossSignedPem: string;
}

export interface ClusterSpec {
  readonly name: string;
  readonly labels: Labels;
  readonly taskHistoryLimit: number;
  readonly heartbeatPeriodNs: number;
  readonly nodeCertExpiryNs: number;
  readonly autoLockManagers: boolean;
  readonly snapshotInterval: number;
  readonly logEntriesForSlowFollowers: number;
  /** Each change of it replaces the root certificate by a new one. */
  readonly forceRotate: number;
  /** Snapshots that each manager keeps beside its newest; missing: none. */
  readonly keepOldSnapshots?: number;
  /** Missing: the managers sign themselves. */
  readonly externalCas?: readonly ExternalCa[];
}
