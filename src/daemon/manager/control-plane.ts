import { FORMAT_LEVEL } from "../../codec/entry.ts";
import { OperationError } from "../../lib/errors.ts";
import { clusterIdFrom, type NodeId, type SessionId, type TaskId } from "../../model/ids.ts";
import { type AuthorityOptions, CertificateAuthority } from "../../manager/ca/authority.ts";
import { admissionOf } from "../../manager/ca/admission.ts";
import { raftSender } from "../../manager/ca/raft-senders.ts";
import { runRootRotation } from "../../manager/ca/root-rotation.ts";
import { Membership, type RemoteMembership } from "../../manager/ca/membership.ts";
import { clusterEvents } from "../../manager/control-api/cluster-events.ts";
import { createControlApi } from "../../manager/control-api/control-api.ts";
import { ForwardingControl, type ForwardingOptions } from "../../manager/control-api/forwarding.ts";
import { runControlLoop } from "../../manager/control-loop.ts";
import { TermClock } from "../../manager/term-clock.ts";
import { Dispatcher } from "../../manager/dispatcher/dispatcher.ts";
import type { LeaderCalls } from "../../manager/dispatcher/leader-calls.ts";
import { LeaderDuties } from "../../manager/dispatcher/leader-duties.ts";
import type { Reaches } from "../../manager/dispatcher/second-opinion.ts";
import { Proposals } from "../../manager/store/proposals.ts";
import { Store } from "../../manager/store/store.ts";
import type { Certificates } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RaftTransport } from "../../ports/consensus.ts";
import type { Disk } from "../../ports/disk.ts";
import type { ExternalSigner } from "../../ports/external-signer.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import { RaftDriver } from "../../raft/driver.ts";
import type { RaftDriverOptions, SnapshotSettings } from "../../raft/driver-options.ts";
import type { PayloadCipher } from "../../raft/payload-cipher.ts";
import type { LocalBackend, ManagerBackends } from "../../rpc/backends.ts";
import { foundCluster, type InitialEntryFile } from "./found-cluster.ts";
import type { KeyReport } from "../swarm/node-keys.ts";
import { clusterBackup } from "./backup.ts";
import { reportUnlockKey } from "./key-reports.ts";
import { runWhileLeading } from "./leadership.ts";
import type { ManagerOptions } from "./options.ts";
import { type ForceNewClusterMark, standAlone } from "./stand-alone.ts";

const BEAT_PERIOD_MS = 1_000;
const SETTLE_MS = 5_000;

/** What a manager asks of others, at their manager ports. */
export interface RemoteManagers extends RemoteMembership {
  readonly control: ForwardingOptions["remote"];
  readonly issue: AuthorityOptions["forward"];
  leader(address: string): LeaderCalls;
}

export interface ControlPlaneSetup {
  readonly options: Pick<ManagerOptions, "nodeId" | "raftId" | "advertiseAddress" | "isFounder">;
  readonly files: InitialEntryFile & ForceNewClusterMark;
  /** Of Raft's log and snapshots, on `disk`. */
  readonly raftDirectory: string;
  readonly disk: Disk;
  readonly transport: RaftTransport;
  readonly remote: RemoteManagers;
  /** Of any node of the cluster. */
  readonly reaches: Reaches;
  readonly certificates: Certificates;
  readonly external: ExternalSigner;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What Raft's log and snapshots are sealed with. */
  readonly cipher?: PayloadCipher;
  /** Tells what has to be known to keep the keys. */
  readonly report?: (report: KeyReport) => void;
  /** The newest format of the log's entries that this program reads. */
  readonly formatLevel?: number;
  readonly store?: Store;
  /** In place of what the cluster's users set. */
  readonly raft?: Partial<RaftDriverOptions>;
}

/** All that makes a manager but what carries its calls: Raft, store, control loop, dispatcher, certificates. */
export interface ControlPlane {
  readonly store: Store;
  readonly consensus: RaftDriver;
  /** What is served on the manager port, and on the host's own socket. */
  readonly backends: ManagerBackends;
  readonly local: LocalBackend;
  /** Serves workers and, while this manager leads, decides; until `signal`. @throws The signal's reason; what else it throws ends the manager. */
  run(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Leadership is handed over, when this manager has it and there is someone to take it. */
  handOver(): Promise<void>;
}

/** Reads what is on disk and takes part in Raft from then on. */
export async function createControlPlane(setup: ControlPlaneSetup): Promise<ControlPlane> {
  const { options, files, disk, clock, random, log, remote, certificates, external } = setup;
  const { report = () => {}, formatLevel = FORMAT_LEVEL } = setup;
  const { store = new Store({ formatLevel }) } = setup;
  const isForced = await files.isForceNewClusterMarked();
  const consensus = await RaftDriver.create({
    ...{ disk, clock, random, transport: setup.transport, stateMachine: store, log },
    raftId: options.raftId,
    directory: setup.raftDirectory,
    forceNewCluster: isForced,
    ...(setup.cipher !== undefined && { cipher: setup.cipher }),
    onOldestKey: oldestDataKeyId => report({ oldestDataKeyId }),
    ...(setup.raft === undefined ? { settings: snapshotSettings(store) } : { options: setup.raft }),
    ...(options.isFounder || isForced
      ? { members: [{ raftId: options.raftId, address: options.advertiseAddress }] }
      : { join: true }),
  });
  const termClock = new TermClock(clock);
  const proposals = new Proposals({ consensus, clock: termClock, level: () => store.view().formatLevel });
  const propose = proposals.propose.bind(proposals);
  const consensusView = { view: () => store.view(), status: () => consensus.status() };
  const authority = new CertificateAuthority({
    ...{ store, proposals, consensus, clock, random, certificates, external },
    forward: (address, call, waiting) => remote.issue(address, call, waiting),
  });
  const duties = new LeaderDuties({
    ...{ view: () => store.view(), propose, clock, log, beatPeriodMs: BEAT_PERIOD_MS },
    readBarrier: () => consensus.readBarrier({}),
    reaches: setup.reaches,
  });
  const onLeft = (nodeId: NodeId) => duties.nodeLeft(nodeId);
  const membership = new Membership({ store, consensus, proposals, clock, log, remote, onLeft });
  const dispatcher = new Dispatcher({
    ...{ store, clock, log, beatPeriodMs: BEAT_PERIOD_MS },
    readBarrier: waiting => consensus.readBarrier(waiting),
    newSessionId: () => clusterIdFrom<SessionId>(random.bytes(25)),
    managerId: options.nodeId,
    formatLevel,
    leader: leaderCalls({ consensus, duties, remote }),
  });
  const control = new ForwardingControl({
    local: createControlApi({ store, consensus, proposals, clock, random, certificates, external }),
    consensus,
    clock,
    remote: (address, request, waiting) => remote.control(address, request, waiting),
  });
  const newTaskId = (): TaskId => clusterIdFrom<TaskId>(random.bytes(25));
  const whileLeading = {
    "initial state": (waiting: { readonly signal: AbortSignal }) => foundCluster({ files, store, propose, ...waiting }),
    "control loop": ({ term, signal }: { readonly term: number; readonly signal: AbortSignal }) =>
      runControlLoop({ store, propose, clock: termClock, log, newTaskId, term, signal }),
    "leader's duties": (waiting: { readonly signal: AbortSignal }) => duties.run(waiting),
    "root rotation": (waiting: { readonly signal: AbortSignal }) =>
      runRootRotation({ store, propose, certificates, clock, random, log }, waiting),
    membership: async (waiting: { readonly signal: AbortSignal }) => {
      // Before the others are looked at: those that are lost are not to be taken in again.
      if (isForced) await standAlone({ ...options, files, store, propose, formatLevel, ...waiting });
      await membership.run(waiting);
    },
  };
  return {
    store,
    consensus,
    backends: {
      control,
      dispatcher,
      raft: {
        receive: (message, peer) => consensus.receive(message, raftSender(peer, consensusView)),
        disconnected: peer => {
          const raftId = store.view().get("node", peer.nodeId)?.manager?.raftId;
          // One whose certificate counts no more was cut off here.
          if (raftId !== undefined && admissionOf(peer, store.view()) !== "superseded") consensus.disconnected(raftId);
        },
        receiveSnapshot: (chunks, peer) => consensus.receiveSnapshot(chunks, raftSender(peer, consensusView)),
      },
      ca: authority,
      join: membership,
      leader: duties,
      admission: peer => admissionOf(peer, store.view()),
    },
    local: {
      events: waiting => clusterEvents(store, waiting),
      backup: waiting => clusterBackup({ store, consensus, clock, random }, waiting),
    },
    run: async ({ signal }) => {
      await Promise.all([
        dispatcher.run({ signal }),
        reportUnlockKey({ store, report, signal }),
        runWhileLeading(consensus, whileLeading, { log, clock, signal, onTerm: () => termClock.beginTerm() }),
      ]);
    },
    handOver: async () => {
      if (consensus.status().role === "leader" && consensus.status().members.length > 1) {
        await consensus.transferLeadership({ signal: clock.timeout(SETTLE_MS) });
      }
    },
  };
}

/** As the cluster's users have set them. Before there is a cluster they have set nothing. */
function snapshotSettings(store: Store): () => SnapshotSettings | undefined {
  return () => {
    const [cluster] = store.view().all("cluster");
    if (cluster === undefined) return undefined;
    const { snapshotInterval, logEntriesForSlowFollowers, keepOldSnapshots = 0 } = cluster.spec;
    return {
      snapshotEveryEntries: snapshotInterval,
      keepEntries: logEntriesForSlowFollowers,
      keepSnapshots: keepOldSnapshots,
    };
  };
}

/** To whoever leads at the time of the call. */
function leaderCalls({
  consensus,
  duties,
  remote,
}: {
  readonly consensus: RaftDriver;
  readonly duties: LeaderDuties;
  readonly remote: RemoteManagers;
}): LeaderCalls {
  const whoeverLeads = (): LeaderCalls => {
    const { role, leaderId, members } = consensus.status();
    if (role === "leader") return duties;
    const leader = members.find(({ raftId }) => raftId === leaderId);
    if (leader === undefined) throw new OperationError("unavailable", "there is no leader");
    return remote.leader(leader.address);
  };
  return {
    writeStatuses: async (report, waiting) => whoeverLeads().writeStatuses(report, waiting),
    describeNode: async (report, waiting) => whoeverLeads().describeNode(report, waiting),
    reportSessions: async (report, waiting) => whoeverLeads().reportSessions(report, waiting),
  };
}
