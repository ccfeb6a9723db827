import type { CertificateIssuer, Cluster, ClusterSpec, ExternalCa } from "../../model/cluster.ts";
import type { SigningCa } from "../../model/control.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { externalCa } from "./external-ca.ts";
import { refusing } from "./refusing.ts";
import { duration, flag, int64, list, optional, text, textMap, texts, uint32, uint64, unlessZero, word } from "./scalars.ts";
import { rfc3339 } from "./times.ts";

/** What a client may say of the cluster; what is missing stays as it is. */
export interface WireClusterSpec {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly orchestration: { readonly taskHistoryLimit?: number };
  readonly raft: {
    readonly snapshotInterval?: number;
    readonly logEntriesForSlowFollowers?: number;
    readonly keepOldSnapshots?: number;
  };
  readonly dispatcher: { readonly heartbeatPeriodNs?: number };
  readonly ca: {
    readonly nodeCertExpiryNs?: number;
    readonly forceRotate?: number;
    readonly signingCertificatePem?: string;
    readonly signingKeyPem?: string;
    readonly externalCas?: readonly ExternalCa[];
  };
  readonly encryption?: { readonly autoLockManagers: boolean };
}

/** Of Raft, in ticks: an election, and a heartbeat. */
const TICKS = { ElectionTick: 10, HeartbeatTick: 1 };

const plainClusterSpec = struct<WireClusterSpec>("swarm.Spec", {
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
    refusing(
      struct<WireClusterSpec["raft"]>("swarm.RaftConfig", {
        snapshotInterval: omitEmpty("SnapshotInterval", unlessZero(uint64)),
        logEntriesForSlowFollowers: omitEmpty("LogEntriesForSlowFollowers", unlessZero(uint64)),
        keepOldSnapshots: omitEmpty("KeepOldSnapshots", optional(uint64)),
      }),
      [],
      TICKS,
    ),
  ),
  dispatcher: field(
    "Dispatcher",
    struct<WireClusterSpec["dispatcher"]>("swarm.DispatcherConfig", {
      heartbeatPeriodNs: omitEmpty("HeartbeatPeriod", unlessZero(duration)),
    }),
  ),
  ca: field(
    "CAConfig",
    struct<WireClusterSpec["ca"]>("swarm.CAConfig", {
      nodeCertExpiryNs: omitEmpty("NodeCertExpiry", unlessZero(duration)),
      externalCas: omitEmpty("ExternalCAs", unlessZero(list(externalCa))),
      signingCertificatePem: omitEmpty("SigningCACert", unlessZero(text)),
      signingKeyPem: omitEmpty("SigningCAKey", unlessZero(text)),
      forceRotate: omitEmpty("ForceRotate", unlessZero(uint64)),
    }),
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

export const clusterSpecBody = refusing(plainClusterSpec, ["TaskDefaults"]);

/** The root that a client brings. */
export function signingCaOf({ ca }: WireClusterSpec): { readonly signingCa?: SigningCa } {
  const { signingCertificatePem: certificatePem = "", signingKeyPem: keyPem = "" } = ca;
  return certificatePem === "" && keyPem === "" ? {} : { signingCa: { certificatePem, keyPem } };
}

/** The cluster's spec with what a client said put in. Whether managers are locked is always said: by silence that they are not, as in Docker. */
export function mergedClusterSpec(current: ClusterSpec, said: WireClusterSpec): ClusterSpec {
  const { nodeCertExpiryNs = current.nodeCertExpiryNs, forceRotate = 0, externalCas } = said.ca;
  const { externalCas: _, ...kept } = current; // Said whole, as which rotation is the last.
  return {
    ...kept,
    ...(externalCas !== undefined && { externalCas }),
    ...(said.name === undefined ? {} : { name: said.name }),
    ...(said.labels === undefined ? {} : { labels: said.labels }),
    ...said.orchestration,
    ...said.raft,
    ...said.dispatcher,
    ...{ nodeCertExpiryNs, forceRotate },
    autoLockManagers: said.encryption?.autoLockManagers ?? false,
  };
}

export function clusterSpecJson(spec: ClusterSpec): Record<string, unknown> {
  return {
    Name: spec.name,
    Labels: spec.labels,
    Orchestration: { TaskHistoryRetentionLimit: spec.taskHistoryLimit },
    Raft: {
      SnapshotInterval: spec.snapshotInterval,
      KeepOldSnapshots: spec.keepOldSnapshots ?? 0,
      LogEntriesForSlowFollowers: spec.logEntriesForSlowFollowers,
      ...TICKS,
    },
    Dispatcher: { HeartbeatPeriod: spec.heartbeatPeriodNs },
    CAConfig: {
      NodeCertExpiry: spec.nodeCertExpiryNs,
      ...(spec.externalCas !== undefined && { ExternalCAs: spec.externalCas.map(ca => externalCa.write(ca)) }),
      ...(spec.forceRotate > 0 && { ForceRotate: spec.forceRotate }),
    },
    TaskDefaults: {},
    EncryptionConfig: { AutoLockManagers: spec.autoLockManagers },
  };
}

export function tlsInfoJson({
  trustRoot,
  issuer,
}: {
  readonly trustRoot: string;
  readonly issuer: CertificateIssuer | undefined;
}): Record<string, unknown> {
  const { subject, publicKey } = issuer ?? {};
  return {
    TrustRoot: trustRoot,
    ...(subject && { CertIssuerSubject: subject }),
    ...(publicKey && { CertIssuerPublicKey: publicKey }),
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
    TLSInfo: tlsInfoJson({ trustRoot: cluster.rootCa.certificatePem, issuer: cluster.rootCa.issuer }),
    RootRotationInProgress: cluster.rootCa.rotation !== undefined,
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
  /** Missing is not the same as empty: see the route. */
  readonly defaultAddressPool?: readonly string[];
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
  defaultAddressPool: field("DefaultAddrPool", optional(texts)),
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

export const swarmUnlockBody = struct<{ readonly unlockKey: string }>("swarm.UnlockRequest", {
  unlockKey: field("UnlockKey", text),
});
