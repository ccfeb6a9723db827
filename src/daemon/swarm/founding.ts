import type { SwarmMembershipBackend } from "../../api/swarm-backend.ts";
import { entryBytes } from "../../codec/entry.ts";
import { CLUSTER_DEFAULTS, makeInitialEntry } from "../../manager/control-api/initial.ts";
import { clusterIdFrom, type ClusterId, type NetworkId, type NodeId } from "../../model/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { systemCertificates } from "../../system/certificates.ts";
import { UNLOCK_KEY_BYTES } from "../../model/unlock-key.ts";
import { addressesOf } from "./addresses.ts";
import type { NodeRecord } from "./node-files.ts";
import { managerKeys, type NodeKeys } from "./node-keys.ts";

const FOUNDER_RAFT_ID = 1;

/** A new cluster with this node as its first manager: nothing is kept anywhere yet. */
export async function foundCluster(
  request: Parameters<SwarmMembershipBackend["init"]>[0],
  { clock, random, devices }: { readonly clock: Clock; readonly random: Random; readonly devices: ReadonlySet<string> },
): Promise<{ readonly record: NodeRecord; readonly keys: NodeKeys; readonly initialEntry: Uint8Array }> {
  const { advertiseAddress, ...addresses } = addressesOf(request, { devices });
  const nodeId = clusterIdFrom<NodeId>(random.bytes(25));
  const clusterId = clusterIdFrom<ClusterId>(random.bytes(25));
  const nowMs = clock.nowMs();
  const root = await systemCertificates.createRoot({ nowMs });
  const { csrPem, keyPem } = await systemCertificates.createRequest();
  const unlockKey = request.autoLockManagers ? random.bytes(UNLOCK_KEY_BYTES) : undefined;
  const entry = makeInitialEntry({
    ...{ clusterId, nodeId, root, random, certificates: systemCertificates },
    raftId: FOUNDER_RAFT_ID,
    ingressId: clusterIdFrom<NetworkId>(random.bytes(25)),
    managerAddress: advertiseAddress,
    availability: request.availability,
    ...(request.defaultAddressPool.length > 0 && { defaultAddressPool: request.defaultAddressPool }),
    ...(request.subnetSize > 0 && { subnetSize: request.subnetSize }),
    dataPathPort: request.dataPathPort,
    ...(unlockKey && { unlockKey }),
  });
  const lifetimeMs = CLUSTER_DEFAULTS.nodeCertExpiryNs / 1e6;
  const certificatePem = await systemCertificates.issue({
    ...{ csrPem, root, nodeId, clusterId, nowMs, lifetimeMs },
    role: "manager",
  });
  const identity = { certificatePem, keyPem, rootPem: root.certificatePem };
  return {
    keys: managerKeys(identity, { version: 0, ...(unlockKey && { key: unlockKey }) }, random),
    record: {
      ...{ nodeId, clusterId, ...addresses },
      role: "manager",
      managers: [advertiseAddress],
      manager: { raftId: FOUNDER_RAFT_ID, isFounder: true },
    },
    initialEntry: entryBytes.encode({ ...entry, atMs: nowMs }),
  };
}
