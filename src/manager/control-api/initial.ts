import { FORMAT_LEVEL } from "../../codec/entry.ts";
import { SECOND_FORMAT_LEVEL } from "../../codec/format-needs.ts";
import type { Cluster, ClusterSpec, Network, Node, NodeSpec } from "../../model/cluster.ts";
import type { Change, Entry } from "../../model/entry.ts";
import type { ClusterId, NetworkId, NodeId } from "../../model/ids.ts";
import type { Certificates, CertificateWithKey } from "../../ports/certificates.ts";
import type { Random } from "../../ports/random.ts";
import { specChanged } from "../spec-sequence.ts";
import { newJoinToken } from "./cluster.ts";

/** Docker's, but for the heartbeat: 1 s, so that a lost worker's tasks are replaced within 10 s. */
export const CLUSTER_DEFAULTS: ClusterSpec = {
  name: "default",
  labels: {},
  taskHistoryLimit: 5,
  heartbeatPeriodNs: 1e9,
  nodeCertExpiryNs: 90 * 24 * 3600e9,
  autoLockManagers: false,
  snapshotInterval: 10_000,
  logEntriesForSlowFollowers: 500,
  forceRotate: 0,
};
export const SUBNET_SIZE_DEFAULT = 24;
export const DATA_PATH_PORT_DEFAULT = 4789;

export interface InitialOptions {
  readonly clusterId: ClusterId;
  readonly nodeId: NodeId;
  readonly ingressId: NetworkId;
  readonly root: CertificateWithKey;
  /** host:port of the first manager. */
  readonly managerAddress: string;
  /** Raft's id of the first manager. */
  readonly raftId: number;
  readonly availability: NodeSpec["availability"];
  readonly spec?: Partial<ClusterSpec>;
  readonly defaultAddressPool?: readonly string[];
  readonly subnetSize?: number;
  readonly dataPathPort?: number;
  readonly unlockKey?: Uint8Array;
  /** What its program reads: the cluster begins with it. */
  readonly formatLevel?: number;
  readonly certificates: Certificates;
  readonly random: Random;
}

/** What `swarm init` writes first: the cluster with its join tokens, the first node, the ingress network. */
export function makeInitialEntry(options: InitialOptions): Omit<Entry, "atMs"> {
  const objects: Change[] = [
    { kind: "put", table: "cluster", object: initialCluster(options), basedOn: 0 },
    { kind: "put", table: "node", object: firstNode(options), basedOn: 0 },
    { kind: "put", table: "network", object: ingressNetwork(options), basedOn: 0 },
  ];
  return { level: options.formatLevel ?? FORMAT_LEVEL, changes: objects, reliesOn: [] };
}

const NEW = { version: 0, createdAtMs: 0, updatedAtMs: 0 };

function initialCluster(options: InitialOptions): Cluster {
  const { clusterId, root, spec, defaultAddressPool = [], subnetSize = 0, dataPathPort = 0, unlockKey } = options;
  const { formatLevel = FORMAT_LEVEL } = options;
  const isOfFirst = formatLevel < SECOND_FORMAT_LEVEL;
  return {
    ...NEW,
    id: clusterId,
    spec: { ...CLUSTER_DEFAULTS, ...spec, autoLockManagers: unlockKey !== undefined },
    rootCa: {
      ...root,
      ...(!isOfFirst && { issuer: options.certificates.issuerIn(root.certificatePem) }),
      joinTokenWorker: newJoinToken(root.certificatePem, options),
      joinTokenManager: newJoinToken(root.certificatePem, options),
    },
    defaultAddressPool,
    subnetSize: subnetSize === 0 ? SUBNET_SIZE_DEFAULT : subnetSize,
    dataPathPort: dataPathPort === 0 ? DATA_PATH_PORT_DEFAULT : dataPathPort,
    ...(unlockKey && { unlockKey }),
    ...(!isOfFirst && { formatLevel }),
    ...specChanged({ index: 0, formatLevel }),
  };
}

function firstNode({ nodeId, managerAddress, raftId, availability, formatLevel = FORMAT_LEVEL }: InitialOptions): Node {
  return {
    ...{ ...NEW, id: nodeId, role: "manager" },
    spec: { labels: {}, role: "manager", availability },
    status: { state: "unknown", message: "", address: "" },
    manager: { raftId, address: managerAddress },
    ...specChanged({ index: 0, formatLevel }),
  };
}

/** Its subnet is the first of the pool, as Docker's is: 10.0.0.0/24 by default. */
function ingressNetwork({ ingressId, defaultAddressPool = [], subnetSize = 0 }: InitialOptions): Network {
  const [pool = "10.0.0.0/8"] = defaultAddressPool;
  const [base = ""] = pool.split("/");
  const size = subnetSize === 0 ? SUBNET_SIZE_DEFAULT : subnetSize;
  const [a, b, c, d = "0"] = base.split(".");
  const gateway = `${a}.${b}.${c}.${Number(d) + 1}`;
  return {
    ...{ ...NEW, id: ingressId, ipam: [] },
    spec: {
      ...{ name: "ingress", labels: {}, driver: "overlay", driverOptions: {}, scope: "swarm" },
      ...{ isInternal: false, isAttachable: false, isIngress: true, isIpv6: false },
      ipam: [{ subnet: `${base}/${size}`, gateway }],
    },
  };
}
