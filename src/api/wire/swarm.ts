import type { Cluster, ClusterSpec } from "../../model/cluster.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { refusing } from "./refusing.ts";
import { duration, flag, int64, optional, text, textMap, texts, uint32, uint64, unlessZero, word } from "./scalars.ts";
import { rfc3339 } from "./times.ts";

/** What a client may say of the cluster; what is missing stays as it is. */
export interface WireClusterSpec {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly orchestration: { readonly taskHistoryLimit?: number };
  readonly raft: { readonly snapshotInterval?: number; readonly logEntriesForSlowFollowers?: number };
  readonly dispatcher: { readonly heartbeatPeriodNs?: number };
  readonly ca: { readonly nodeCertExpiryNs?: number };
  readonly encryption?: { readonly autoLockManagers: boolean };
}

export const clusterSpecBody = struct<WireClusterSpec>("swarm.Spec", {
  name: omitEmpty("Name", unlessZero(text)),
  labels: field("Labels", optional(textMap)),
  orchestration: field(
    "Orchestration",
    struct<WireClusterSpec["orchestration"]>("swarm.OrchestrationConfig", {
      taskHistoryLimit: omitEmpty("TaskHistoryRetentionLimit", optional(int64)),
    }),
  ),
  raft: field(
    "Raft",
    struct<WireClusterSpec["raft"]>("swarm.RaftConfig", {
      snapshotInterval: omitEmpty("SnapshotInterval", unlessZero(uint64)),
      logEntriesForSlowFollowers: omitEmpty("LogEntriesForSlowFollowers", unlessZero(uint64)),
    }),
  ),
  dispatcher: field(
    "Dispatcher",
    struct<WireClusterSpec["dispatcher"]>("swarm.DispatcherConfig", {
      heartbeatPeriodNs: omitEmpty("HeartbeatPeriod", unlessZero(duration)),
    }),
  ),
  ca: field(
    "CAConfig",
    refusing(
      struct<WireClusterSpec["ca"]>("swarm.CAConfig", { nodeCertExpiryNs: omitEmpty("NodeCertExpiry", unlessZero(duration)) }),
      ["ExternalCAs", "SigningCACert", "SigningCAKey", "ForceRotate"],
    ),
  ),
  encryption: field(
    "EncryptionConfig",
    optional(
      struct<NonNullable<WireClusterSpec["encryption"]>>("swarm.EncryptionConfig", {
        autoLockManagers: field("AutoLockManagers", flag),
      }),
    ),
  ),
});

/** The cluster's spec with what a client said put in. */
export function mergedClusterSpec(current: ClusterSpec, said: WireClusterSpec): ClusterSpec {
  return {
    ...current,
    ...(said.name === undefined ? {} : { name: said.name }),
    ...(said.labels === undefined ? {} : { labels: said.labels }),
    ...said.orchestration,
    ...said.raft,
    ...said.dispatcher,
    ...said.ca,
    ...said.encryption,
  };
}

export function clusterSpecJson(spec: ClusterSpec): Record<string, unknown> {
  return {
    Name: spec.name,
    Labels: spec.labels,
    Orchestration: { TaskHistoryRetentionLimit: spec.taskHistoryLimit },
    Raft: {
      SnapshotInterval: spec.snapshotInterval,
      KeepOldSnapshots: 0,
      LogEntriesForSlowFollowers: spec.logEntriesForSlowFollowers,
      ElectionTick: 10,
      HeartbeatTick: 1,
    },
    Dispatcher: { HeartbeatPeriod: spec.heartbeatPeriodNs },
    CAConfig: { NodeCertExpiry: spec.nodeCertExpiryNs },
    TaskDefaults: {},
    EncryptionConfig: { AutoLockManagers: spec.autoLockManagers },
  };
}

/** Without the join tokens: `info` shows it. */
export function clusterJson(cluster: Cluster): Record<string, unknown> {
  return {
    ID: cluster.id,
    Version: { Index: cluster.version },
    CreatedAt: rfc3339(cluster.createdAtMs),
    UpdatedAt: rfc3339(cluster.updatedAtMs),
    Spec: clusterSpecJson(cluster.spec),
    TLSInfo: { TrustRoot: cluster.rootCa.certificatePem },
    RootRotationInProgress: false,
    DefaultAddrPool: cluster.defaultAddressPool.length === 0 ? null : cluster.defaultAddressPool,
    SubnetSize: cluster.subnetSize,
    DataPathPort: cluster.dataPathPort,
  };
}

export function swarmJson(cluster: Cluster): Record<string, unknown> {
  const { joinTokenWorker, joinTokenManager } = cluster.rootCa;
  return { ...clusterJson(cluster), JoinTokens: { Worker: joinTokenWorker, Manager: joinTokenManager } };
}

export type Availability = "active" | "pause" | "drain";

export interface SwarmInitBody {
  readonly listenAddress: string;
  readonly advertiseAddress: string;
  readonly dataPathAddress: string;
  readonly dataPathPort: number;
  readonly forceNewCluster: boolean;
  readonly spec: WireClusterSpec;
  readonly autoLockManagers: boolean;
  readonly availability: Availability | "";
  readonly defaultAddressPool: readonly string[];
  readonly subnetSize: number;
}

export const swarmInitBody = struct<SwarmInitBody>("swarm.InitRequest", {
  listenAddress: field("ListenAddr", text),
  advertiseAddress: field("AdvertiseAddr", text),
  dataPathAddress: field("DataPathAddr", text),
  dataPathPort: field("DataPathPort", uint32),
  forceNewCluster: field("ForceNewCluster", flag),
  spec: field("Spec", clusterSpecBody),
  autoLockManagers: field("AutoLockManagers", flag),
  availability: field("Availability", word<Availability | "">("swarm.NodeAvailability")),
  defaultAddressPool: field("DefaultAddrPool", texts),
  subnetSize: field("SubnetSize", uint32),
});

export interface SwarmJoinBody {
  readonly listenAddress: string;
  readonly advertiseAddress: string;
  readonly dataPathAddress: string;
  readonly remoteAddresses: readonly string[];
  readonly joinToken: string;
  readonly availability: Availability | "";
}

export const swarmJoinBody = struct<SwarmJoinBody>("swarm.JoinRequest", {
  listenAddress: field("ListenAddr", text),
  advertiseAddress: field("AdvertiseAddr", text),
  dataPathAddress: field("DataPathAddr", text),
  remoteAddresses: field("RemoteAddrs", texts),
  joinToken: field("JoinToken", text),
  availability: field("Availability", word<Availability | "">("swarm.NodeAvailability")),
});
