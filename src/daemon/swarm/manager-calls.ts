import { FORMAT_LEVEL } from "../../codec/entry.ts";
import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";
import type { ControlRequest, ControlResponse } from "../../model/control.ts";
import { clusterIdFrom, type RequestId } from "../../model/ids.ts";
import type { UnlockKey } from "../../model/unlock-key.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { ManagerClients } from "../../rpc/manager-clients.ts";
import { readCertificate, systemCertificates } from "../../system/certificates.ts";
import { hostAndPort, hostOf, isUnspecified, portOf } from "./host-and-port.ts";
import type { NodeRecord } from "./node-files.ts";
import { managerKeys, type NodeKeys, workerKeys } from "./node-keys.ts";

/** How long one manager may take to answer before the next is asked. */
const ANSWER_MS = 6_000;
/** How long a node that leaves waits until the managers know: one of them has leadership to hand over first. */
const MANAGER_GOODBYE_MS = 8_000;
const WORKER_GOODBYE_MS = 3_000;
const LOOPBACK = "127.0.0.1";

interface Caller {
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export function ownAddress({ advertiseHost, advertisePort, listenAddress }: NodeRecord): string {
  return hostAndPort(advertiseHost, advertisePort ?? portOf(listenAddress));
}

/** Where this node calls a manager: its own over the loopback, which stays when the host's address goes. */
export function placeOf(address: string, record: NodeRecord): string {
  if (address !== ownAddress(record)) return address;
  const { listenAddress } = record;
  return isUnspecified(hostOf(listenAddress)) ? hostAndPort(LOOPBACK, portOf(listenAddress)) : listenAddress;
}

/** A new key with a certificate in the role that the node is to have now. @throws OperationError `forbidden` when it is no member any more. */
export async function renewCertificate(record: NodeRecord, caller: Caller): Promise<NodeIdentity> {
  const { csrPem, keyPem } = await systemCertificates.createRequest();
  const call = { csrPem, joinToken: "", availability: "active" } as const;
  const issued = await atSomeManager(record, caller, (clients, address, waiting) => clients.issue(address, call, waiting));
  const { rootPem } = issued;
  const { nodeId } = systemCertificates.verify(issued.certificatePem, { rootPem, nowMs: caller.clock.nowMs() });
  if (nodeId !== record.nodeId) throw new OperationError("unavailable", `a manager gave the certificate of node ${nodeId}`);
  return { certificatePem: issued.certificatePem, keyPem, rootPem };
}

type CallerWithChance = Caller & { readonly random: Random };

/**
 * The keys of a node that begins with this certificate. A manager's are never on disk other than locked, in a cluster that locks them.
 * @throws OperationError when no manager tells the unlock key: none begins without knowing.
 */
export async function newKeys(record: NodeRecord, caller: CallerWithChance): Promise<NodeKeys> {
  const { identity, random } = caller;
  if (readCertificate(identity.certificatePem).role === "worker") return workerKeys(identity);
  return managerKeys(identity, await askUnlockKey(record, caller), random);
}

async function askUnlockKey(record: NodeRecord, { random, ...caller }: CallerWithChance): Promise<UnlockKey> {
  const requestId = clusterIdFrom<RequestId>(random.bytes(25));
  const answer = await callManagers(record, { request: { kind: "get-unlock-key" }, requestId }, caller);
  if (answer.kind !== "unlock-key") throw new OperationError("unavailable", `a manager answered ${answer.kind}`);
  const { version, key } = answer;
  return { version, ...(key && { key }) };
}

/** Asks to be taken into Raft. Asked again, also after a crash, the answer is the same. */
export async function joinRaft(record: NodeRecord, caller: Caller): Promise<NodeRecord> {
  const { raftId, members } = await askToJoin(record, caller);
  const managers = [...new Set([...members.map(({ address }) => address), ...record.managers])];
  return { ...record, managers, manager: { raftId, isFounder: false } };
}

async function askToJoin(record: NodeRecord, caller: Caller): ReturnType<ManagerClients["join"]> {
  return await atSomeManager(record, caller, (clients, address, waiting) =>
    clients.join(address, { own: ownAddress(record), formatLevel: FORMAT_LEVEL, ...waiting }),
  );
}

/** The managers are told that this one is at another address now. @returns host:port of all of them. */
export async function tellAddress(record: NodeRecord, caller: Caller): Promise<readonly string[]> {
  const { raftId, members } = await askToJoin(record, caller);
  const others = members.filter(member => member.raftId !== raftId).map(({ address }) => address);
  return [ownAddress(record), ...others];
}

/**
 * Whether a node that is to be a manager was taken out of Raft meanwhile: demoted, and promoted again before it had a worker's
 * certificate. Nobody in Raft knows its manager by that id any more, or ever will.
 *
 * @throws OperationError `unavailable` when nobody could tell.
 */
export async function hasLostItsPlace(record: NodeRecord, caller: Caller): Promise<boolean> {
  if (record.manager === undefined) return false;
  try {
    return (await joinRaft(record, caller)).manager?.raftId !== record.manager.raftId;
  } catch (cause) {
    // Also a refusal: whoever was asked may be no manager any more. That this node is expelled, a renewal tells.
    throw new OperationError("unavailable", errorMessage(cause), { cause });
  }
}

/**
 * Tells the leader that this node leaves: a manager by way of its own, which hands leadership over first, a worker by way of
 * whichever manager is the first to answer. The others find it said already.
 */
export async function sayGoodbye(record: NodeRecord, { identity, clock }: Omit<Caller, "signal">): Promise<void> {
  await using clients = new ManagerClients({ identity: () => identity, clock });
  const isWorker = record.manager === undefined;
  const signal = clock.timeout(isWorker ? WORKER_GOODBYE_MS : MANAGER_GOODBYE_MS);
  const addresses = isWorker ? record.managers : [ownAddress(record)];
  const told = addresses.map(address => clients.leave(placeOf(address, record), { signal }));
  await Promise.any(told).catch((error: unknown) => {
    throw error instanceof AggregateError ? (error.errors[0] ?? new OperationError("unavailable", "no manager is known")) : error;
  });
}

/** A call that a worker may make for itself, to whichever manager answers. */
export async function callManagers(
  record: NodeRecord,
  { request, requestId }: { readonly request: ControlRequest; readonly requestId: RequestId },
  caller: Caller,
): Promise<ControlResponse> {
  return await atSomeManager(record, caller, (clients, address, waiting) =>
    clients.control(address, request, { requestId, isForwarded: false, mayRepeat: true, ...waiting }),
  );
}

/** The others first: a manager of this node may be on its way out of Raft. */
async function atSomeManager<T>(
  record: NodeRecord,
  { identity, clock, signal }: Caller,
  call: (clients: ManagerClients, address: string, options: { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const own = ownAddress(record);
  const addresses = [...record.managers.filter(address => address !== own), ...(record.manager === undefined ? [] : [own])];
  await using clients = new ManagerClients({ identity: () => identity, clock });
  let failure: unknown = new OperationError("unavailable", "no manager is known");
  for (const address of addresses) {
    signal.throwIfAborted();
    try {
      return await call(clients, placeOf(address, record), { signal: AbortSignal.any([signal, clock.timeout(ANSWER_MS)]) });
    } catch (error) {
      if (errorKind(error) !== "unavailable") throw error;
      failure = error;
    }
  }
  throw failure;
}
