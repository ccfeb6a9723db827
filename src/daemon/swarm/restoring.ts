import type { SwarmMembershipBackend } from "../../api/swarm-backend.ts";
import { entryBytes, FIRST_FORMAT_LEVEL, FORMAT_LEVEL } from "../../codec/entry.ts";
import { UnknownWireValue } from "../../codec/combinators.ts";
import { InvariantError } from "../../lib/assert.ts";
import { OperationError } from "../../lib/errors.ts";
import { unlockKeyOf } from "../../manager/control-api/cluster.ts";
import { signerOf, trustedRoots } from "../../manager/ca/trust.ts";
import { specChanged } from "../../manager/spec-sequence.ts";
import type { StateSnapshot } from "../../manager/store/state-snapshot.ts";
import { Store } from "../../manager/store/store.ts";
import type { Cluster, Node } from "../../model/cluster.ts";
import { clusterIdFrom, type NodeId } from "../../model/ids.ts";
import { parseUnlockKey } from "../../model/unlock-key.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { systemCertificates } from "../../system/certificates.ts";
import { beginEpoch, planStandingAlone } from "../manager/stand-alone.ts";
import { addressesOf } from "./addresses.ts";
import { readBackup } from "./backup-file.ts";
import type { NodeRecord } from "./node-files.ts";
import { managerKeys, type NodeKeys } from "./node-keys.ts";

/** The term of the state that was restored; the first election begins the next one. */
const RESTORED_TERM = 1;

export interface RestoredCluster {
  readonly record: NodeRecord;
  readonly keys: NodeKeys;
  /** What Raft begins with. */
  readonly snapshot: {
    readonly index: number;
    readonly term: number;
    readonly raftId: number;
    readonly address: string;
    readonly chunks: AsyncIterable<Uint8Array>;
  };
}

/**
 * The cluster of a backup with a new node as its only manager: nothing is kept anywhere yet. The node has an id and a certificate of its
 * own, since the one that the backup was made on may live. The other managers become workers, which are down until they show up.
 * @throws OperationError `invalid` for what is no whole backup, `unauthorized` for a missing or wrong unlock key.
 */
export async function restoredCluster(
  request: Parameters<SwarmMembershipBackend["restore"]>[0],
  { clock, random, devices }: { readonly clock: Clock; readonly random: Random; readonly devices: ReadonlySet<string> },
): Promise<RestoredCluster> {
  const { advertiseAddress, ...addresses } = addressesOf(request, { devices });
  const unlockKey = request.unlockKey === "" ? undefined : parseUnlockKey(request.unlockKey);
  const store = new Store();
  await fill(store, readBackup(request.bytes, { unlockKey, random }));
  const cluster = clusterOf(store.view());
  const nodeId = clusterIdFrom<NodeId>(random.bytes(25));
  const raftId = nextRaftId(store.view());
  const identity = await identityIn(cluster, nodeId, clock);
  const index = takeOver(store, { nodeId, raftId, advertiseAddress, atMs: clock.nowMs() });
  return {
    keys: managerKeys(identity, unlockKeyOf(clusterOf(store.view())), random),
    record: {
      ...{ nodeId, clusterId: cluster.id, ...addresses },
      role: "manager",
      managers: [advertiseAddress],
      manager: { raftId, isFounder: true },
    },
    snapshot: { index, term: RESTORED_TERM, raftId, address: advertiseAddress, chunks: store.snapshot() },
  };
}

async function fill(store: Store, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await store.restore(chunks);
  } catch (cause) {
    if (cause instanceof UnknownWireValue)
      throw new OperationError("invalid", `the backup is of a later version: ${cause.message}`, { cause });
    if (cause instanceof InvariantError) throw new OperationError("invalid", "the backup is damaged", { cause });
    throw cause;
  }
}

function clusterOf(view: StateSnapshot): Cluster {
  const [cluster] = view.all("cluster");
  if (cluster === undefined) throw new OperationError("invalid", "the backup holds no cluster");
  return cluster;
}

/** None that a manager of the backup has: one that lives on is not taken for this one. */
function nextRaftId(view: StateSnapshot): number {
  let highest = 0;
  for (const { manager } of view.all("node")) highest = Math.max(highest, manager?.raftId ?? 0);
  return highest + 1;
}

async function identityIn({ id: clusterId, rootCa, spec }: Cluster, nodeId: NodeId, clock: Clock): Promise<NodeIdentity> {
  const { csrPem, keyPem } = await systemCertificates.createRequest();
  const { root, behindPem } = signerOf(rootCa);
  if (root.keyPem === "") {
    const what = "an external CA signs this swarm's certificates: its backup holds no key to make a new manager's with";
    throw new OperationError("unavailable", what);
  }
  const certificatePem = await systemCertificates.issue({
    ...{ csrPem, root, nodeId, clusterId, role: "manager", nowMs: clock.nowMs() },
    lifetimeMs: spec.nodeCertExpiryNs / 1e6,
  });
  return { certificatePem: certificatePem + behindPem, keyPem, rootPem: trustedRoots(rootCa) };
}

/** @returns the index of the state in which this manager is the only one. */
function takeOver(
  store: Store,
  {
    atMs,
    ...alone
  }: { readonly nodeId: NodeId; readonly raftId: number; readonly advertiseAddress: string; readonly atMs: number },
): number {
  const view = store.view();
  const node: Node = {
    ...{ id: alone.nodeId, version: 0, createdAtMs: 0, updatedAtMs: 0, role: "manager" },
    spec: { labels: {}, role: "manager", availability: "active" },
    status: { state: "unknown", message: "", address: "" },
    manager: { raftId: alone.raftId, address: alone.advertiseAddress },
    ...specChanged(view),
  };
  const standingAlone = [...beginEpoch(view, FORMAT_LEVEL), ...planStandingAlone(view, alone)];
  const changes = [...standingAlone, { kind: "put", table: "node", object: node, basedOn: 0 } as const];
  const index = view.index + 1;
  const level = view.formatLevel > FIRST_FORMAT_LEVEL ? { level: view.formatLevel } : {};
  const result = store.apply({ index, term: RESTORED_TERM, data: entryBytes.encode({ changes, reliesOn: [], atMs, ...level }) });
  if (result.kind === "refused") throw new OperationError("internal", result.message);
  return index;
}
