import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { entryBytes } from "../../codec/entry.ts";
import { Disposal } from "../../lib/disposal.ts";
import { errnoCode, OperationError } from "../../lib/errors.ts";
import { clusterIdFrom, type SessionId, type TaskId } from "../../model/ids.ts";
import { CertificateAuthority } from "../../manager/ca/authority.ts";
import { raftSender } from "../../manager/ca/raft-senders.ts";
import { runRootRotation } from "../../manager/ca/root-rotation.ts";
import { Membership } from "../../manager/ca/membership.ts";
import { createControlApi } from "../../manager/control-api/control-api.ts";
import { clusterEvents } from "../../manager/control-api/cluster-events.ts";
import { ForwardingControl } from "../../manager/control-api/forwarding.ts";
import { runControlLoop } from "../../manager/control-loop.ts";
import { Dispatcher } from "../../manager/dispatcher/dispatcher.ts";
import type { LeaderCalls } from "../../manager/dispatcher/leader-calls.ts";
import { LeaderDuties } from "../../manager/dispatcher/leader-duties.ts";
import { Proposals } from "../../manager/store/proposals.ts";
import { Store } from "../../manager/store/store.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import { RaftDriver } from "../../raft/driver.ts";
import { ControlSocket } from "../../rpc/control-socket.ts";
import { ManagerListener } from "../../rpc/listener.ts";
import { ManagerClients } from "../../rpc/manager-clients.ts";
import { RaftPeers } from "../../rpc/raft-transport.ts";
import { systemCertificates } from "../../system/certificates.ts";
import type { NodeFiles } from "../swarm/node-files.ts";
import { runWhileLeading } from "./leadership.ts";
import { standAlone } from "./stand-alone.ts";
import type { ManagerOptions } from "./options.ts";

const BEAT_PERIOD_MS = 1_000;
const SETTLE_MS = 5_000;

export interface Manager extends AsyncDisposable {
  /** Leadership is handed over, when this manager has it and there is someone to take it. */
  handOver(): Promise<void>;
  reloadIdentity(): Promise<void>;
  dump(): unknown;
}

interface ManagerSetup {
  readonly options: ManagerOptions;
  readonly files: NodeFiles;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Puts a manager's parts together: Raft, store, control loop, dispatcher, certificates, and what serves them. */
export async function startManager({ options, files, disk, clock, random, log }: ManagerSetup): Promise<Manager> {
  let identity: NodeIdentity = await files.loadIdentity();
  const currentIdentity = (): NodeIdentity => identity;
  const resources = new Disposal();
  const over = new AbortController();
  const { signal } = over;

  const store = new Store();
  const transport = resources.use(new RaftPeers({ identity: currentIdentity, clock }));
  const clients = resources.use(new ManagerClients({ identity: currentIdentity, clock }));
  const isForced = await files.isForceNewClusterMarked();
  const consensus = await RaftDriver.create({
    ...{ disk, clock, random, transport, stateMachine: store, log },
    raftId: options.raftId,
    directory: join(files.managerDirectory, "raft"),
    forceNewCluster: isForced,
    ...(options.isFounder || isForced
      ? { members: [{ raftId: options.raftId, address: options.advertiseAddress }] }
      : { join: true }),
  });
  resources.defer(() => consensus.stop());
  const proposals = new Proposals({ consensus, clock });
  const propose = proposals.propose.bind(proposals);
  const view = () => store.view();
  const consensusView = { view, status: () => consensus.status() };

  const leaderAddress = (): string => {
    const { leaderId, members } = consensus.status();
    const leader = members.find(({ raftId }) => raftId === leaderId);
    if (leader === undefined) throw new OperationError("unavailable", "there is no leader");
    return leader.address;
  };
  const authority = new CertificateAuthority({
    ...{ store, proposals, consensus, clock, random },
    certificates: systemCertificates,
    forward: (address, call, waiting) => clients.issue(address, call, waiting),
  });
  const membership = new Membership({ store, consensus, proposals, clock, log, remote: clients });
  const duties = new LeaderDuties({ view, propose, clock, log, beatPeriodMs: BEAT_PERIOD_MS });
  const whoeverLeads = (): LeaderCalls => (consensus.status().role === "leader" ? duties : clients.leader(leaderAddress()));
  const dispatcher = new Dispatcher({
    ...{ store, clock, log },
    readBarrier: waiting => consensus.readBarrier(waiting),
    newSessionId: () => clusterIdFrom<SessionId>(random.bytes(25)),
    managerId: options.nodeId,
    leader: {
      writeStatuses: async (report, waiting) => whoeverLeads().writeStatuses(report, waiting),
      describeNode: async (report, waiting) => whoeverLeads().describeNode(report, waiting),
      reportSessions: async (report, waiting) => whoeverLeads().reportSessions(report, waiting),
    },
    beatPeriodMs: BEAT_PERIOD_MS,
  });
  const local = createControlApi({ store, consensus, proposals, clock, random, certificates: systemCertificates });
  const control = new ForwardingControl({
    local,
    consensus,
    clock,
    remote: (address, request, waiting) => clients.control(address, request, waiting),
  });

  const listener = resources.use(
    await ManagerListener.listen({
      ...listenTarget(options.listenAddress),
      identity,
      clusterId: options.clusterId,
      log,
      backends: {
        control,
        dispatcher,
        raft: {
          receive: (message, { nodeId }) => consensus.receive(message, raftSender(nodeId, consensusView)),
          receiveSnapshot: (chunks, { nodeId }) => consensus.receiveSnapshot(chunks, raftSender(nodeId, consensusView)),
        },
        ca: authority,
        join: membership,
        leader: duties,
        admits: ({ nodeId, role }) => {
          const view = store.view();
          const node = view.get("node", nodeId);
          // A manager that has just joined knows nobody yet; a demoted one's old certificate counts for nothing.
          return view.count("node") === 0 || (node !== undefined && (role === "worker" || node.role === "manager"));
        },
      },
    }),
  );
  const events = { events: (waiting: { readonly signal: AbortSignal }) => clusterEvents(store, waiting) };
  resources.use(await ControlSocket.listen({ path: options.socketPath, backend: control, events }));

  const newTaskId = (): TaskId => clusterIdFrom<TaskId>(random.bytes(25));
  const background = [
    dispatcher.run({ signal }),
    runWhileLeading(
      consensus,
      {
        "initial state": waiting => foundCluster({ files, store, propose, ...waiting }),
        "control loop": ({ term, signal: termSignal }) =>
          runControlLoop({ store, propose, clock, log, newTaskId, term, signal: termSignal }),
        "leader's duties": waiting => duties.run(waiting),
        "root rotation": waiting =>
          runRootRotation({ store, propose, certificates: systemCertificates, clock, random, log }, waiting),
        membership: async waiting => {
          // Before the others are looked at: those that are lost are not to be taken in again.
          if (isForced) await standAlone({ ...options, files, store, propose, ...waiting });
          await membership.run(waiting);
        },
      },
      { log, clock, signal },
    ),
  ];
  for (const task of background) {
    task.catch((error: unknown) => {
      if (!signal.aborted) throw error; // Nothing else would ever start it again: the process ends, and the next one takes over.
    });
  }

  return {
    handOver: async () => {
      if (consensus.status().role === "leader" && consensus.status().members.length > 1) {
        await consensus.transferLeadership({ signal: clock.timeout(SETTLE_MS) });
      }
    },
    reloadIdentity: async () => {
      identity = await files.loadIdentity();
      listener.setIdentity(identity);
    },
    dump: () => ({ consensus: consensus.status(), index: store.view().index }),
    [Symbol.asyncDispose]: async () => {
      over.abort(new OperationError("cancelled", "the manager is stopping"));
      await resources[Symbol.asyncDispose]();
    },
  };
}

/** The founder's first act as leader; done once, whatever is interrupted. Then it waits for the end of the term. */
async function foundCluster({
  files,
  store,
  propose,
  signal,
}: {
  readonly files: NodeFiles;
  readonly store: Store;
  readonly propose: Proposals["propose"];
  readonly signal: AbortSignal;
}): Promise<void> {
  const bytes = await readFile(files.initialEntryPath).catch((error: unknown) => {
    if (errnoCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (bytes !== undefined) {
    if (store.view().count("cluster") === 0) await propose(entryBytes.decode(bytes), { signal });
    // It holds the root's key, which from now on is in the replicated state alone.
    await rm(files.initialEntryPath, { force: true });
  }
  await new Promise<void>(resolve => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function listenTarget(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(address.slice(at + 1)) };
}
