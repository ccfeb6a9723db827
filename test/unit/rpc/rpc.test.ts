// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { OperationError } from "../../../src/lib/errors.ts";
import type { Admission } from "../../../src/model/admission.ts";
import { asId, type ClusterId, type NodeId, type RequestId, type RevisionId } from "../../../src/model/ids.ts";
import type { TaskLogs, TaskLogsRequest } from "../../../src/model/task-logs.ts";
import { formatJoinToken } from "../../../src/model/join-token.ts";
import type { SessionUp } from "../../../src/model/session.ts";
import type { NodeRole } from "../../../src/model/cluster.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { CertificateWithKey, NodeIdentity } from "../../../src/ports/certificates.ts";
import type { ManagerBackends, StatusReport } from "../../../src/rpc/backends.ts";
import { LocalControl } from "../../../src/rpc/control-client.ts";
import { ControlSocket } from "../../../src/rpc/control-socket.ts";
import { enrol } from "../../../src/rpc/join-client.ts";
import { ManagerListener } from "../../../src/rpc/listener.ts";
import { ManagerClients } from "../../../src/rpc/manager-clients.ts";
import { taskLogsOf } from "../../../src/rpc/peer-client.ts";
import type { Peer } from "../../../src/rpc/peer.ts";
import { PeerListener } from "../../../src/rpc/peer-listener.ts";
import { RaftPeers } from "../../../src/rpc/raft-transport.ts";
import { openSession } from "../../../src/rpc/session-client.ts";
import { aSpec, aTask } from "../manager/store/objects.ts";
import { systemCertificates as certificates } from "../../../src/system/certificates.ts";

const aRevision = {
  ...{ id: asId<RevisionId>("r"), version: 1, createdAtMs: 1, updatedAtMs: 1 },
  ...{ task: aSpec("web").task, endpoint: { mode: "vip" as const, ports: [] } },
};
const clusterId = asId<ClusterId>("cluster1");
const requestId = asId<RequestId>("request1");

const clock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, { signal } = {}) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
  timeout: ms => AbortSignal.timeout(ms),
};
const log = { debug() {}, info() {}, warn() {}, error() {} };
const dialling = { connectMs: 8_000, clock };

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 8_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 8 s: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

async function* numbered(count: number, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield new Uint8Array(sizeBytes).fill(index);
}

/** Records what arrives; each part can be replaced by a test. */
function backends(root: CertificateWithKey) {
  const received: Uint8Array[] = [];
  const senders: Peer[] = [];
  const snapshots: number[] = [];
  const statuses: StatusReport[] = [];
  const statusCalls = new Set<AbortSignal>();
  const all: ManagerBackends & {
    received: Uint8Array[];
    senders: Peer[];
    snapshots: number[];
    statuses: StatusReport[];
    statusCalls: Set<AbortSignal>;
  } = {
    received,
    senders,
    snapshots,
    statuses,
    statusCalls,
    control: {
      call: async (request, options) => {
        if (request.kind === "list-tasks") {
          const revision = { ...aRevision, serviceId: asId<never>("s") };
          const tasks = Array.from({ length: 1001 }, (_, index) => aTask(`t${index}`, { slot: index }));
          return { kind: "tasks", tasks: tasks.map(task => ({ task, revision, serviceName: "web", networks: [] })) };
        }
        if (request.kind === "get-service") throw new OperationError("not-found", `service ${request.idOrName} not found`);
        return { kind: "created", id: `${request.kind} ${options.requestId} ${options.isForwarded}`, warnings: [] };
      },
    },
    dispatcher: {
      async *session(peer, up, _options) {
        yield { kind: "welcome", sessionId: asId(`session of ${peer.nodeId} ${peer.role}`), beatPeriodMs: 1000 };
        for await (const message of up) yield { kind: "managers", addresses: [message.kind], nodeIds: [] };
      },
    },
    raft: {
      receive: (message, sender) => {
        received.push(message);
        senders.push(sender);
      },
      disconnected: () => {},
      receiveSnapshot: async chunks => {
        let bytes = 0;
        for await (const chunk of chunks) bytes += chunk.length;
        snapshots.push(bytes);
      },
    },
    ca: {
      rootCertificate: () => root.certificatePem,
      issue: async ({ csrPem, nodeId = asId<NodeId>("new"), joinToken }) => {
        const role: NodeRole = joinToken === "" ? "manager" : "worker";
        const request = { csrPem, root, nodeId, clusterId, role, nowMs: Date.now(), lifetimeMs: 1e7 };
        return { certificatePem: await certificates.issue(request), rootPem: root.certificatePem, nodeId, role };
      },
    },
    join: {
      join: async (peer, { address }) => ({ raftId: 7, members: [{ raftId: 7, address: `${address} ${peer.nodeId}` }] }),
      leave: async () => undefined,
    },
    leader: {
      writeStatuses: async (report, { signal }) => {
        statuses.push(report);
        statusCalls.add(signal);
      },
      describeNode: async () => undefined,
      reportSessions: async ({ sessions }) => ({ fenced: sessions.map(({ sessionId }) => sessionId) }),
    },
    admission: ({ nodeId }) => (nodeId === "removed" ? "superseded" : nodeId === "ahead" ? "ahead" : "member"),
  };
  return all;
}

describe("rpc", () => {
  let root: CertificateWithKey;
  let manager: NodeIdentity;
  let worker: NodeIdentity;
  let listener: ManagerListener;
  let parts: ReturnType<typeof backends>;
  let address: string;

  async function identity(
    name: string,
    role: NodeRole,
    { signer = root, ageMs = 0, position = { epoch: 0, index: 1 } } = {},
  ): Promise<NodeIdentity> {
    const { csrPem, keyPem } = await certificates.createRequest();
    const request = { csrPem, root: signer, nodeId: asId<NodeId>(name), clusterId, role, position, lifetimeMs: 1e7 };
    const certificatePem = await certificates.issue({ ...request, nowMs: Date.now() - ageMs });
    return { certificatePem, keyPem, rootPem: root.certificatePem };
  }

  before(async () => {
    root = await certificates.createRoot({ nowMs: Date.now() });
    manager = await identity("m1", "manager");
    worker = await identity("w1", "worker");
  });

  beforeEach(async () => {
    parts = backends(root);
    listener = await ManagerListener.listen({ host: "127.0.0.1", port: 0, identity: manager, clusterId, backends: parts, log });
    address = `127.0.0.1:${listener.port}`;
  });

  afterEach(async () => {
    await listener[Symbol.asyncDispose]();
    await listener[Symbol.asyncDispose](); // Twice is safe.
  });

  const clients = (who: NodeIdentity) => new ManagerClients({ identity: () => who, clock });

  it("carries a control call between managers, and its failure with kind and message", async () => {
    await using managers = clients(manager);
    const answer = await managers.control(address, { kind: "get-cluster" }, { requestId });
    assert.deepEqual(answer, { kind: "created", id: "get-cluster request1 true", warnings: [] });
    const failing = managers.control(address, { kind: "get-service", idOrName: "web" }, { requestId });
    await assert.rejects(failing, { name: "OperationError", kind: "not-found", message: "service web not found" });
  });

  it("carries a long list in pages and gives it back whole, in order", async () => {
    await using managers = clients(manager);
    const answer = await managers.control(address, { kind: "list-tasks", filters: {} }, { requestId });
    assert.ok(answer.kind === "tasks");
    assert.deepEqual(
      answer.tasks.map(({ task }) => task.slot),
      Array.from({ length: 1001 }, (_, index) => index),
    );
  });

  it("refuses a worker's control call, join and Raft stream", async () => {
    await using managers = clients(worker);
    await assert.rejects(managers.control(address, { kind: "get-cluster" }, { requestId }), { kind: "forbidden" });
    await assert.rejects(managers.join(address, { own: "x:1" }), { kind: "forbidden" });
    await using peers = new RaftPeers({ identity: () => worker, clock });
    await assert.rejects(peers.sendSnapshot({ raftId: 1, address }, numbered(1, 1), { signal: new AbortController().signal }), {
      kind: "forbidden",
    });
    assert.deepEqual(parts.snapshots, []);
  });

  it("carries a task's log from its node, to managers alone", async () => {
    const asked: TaskLogsRequest[] = [];
    const logs: TaskLogs = {
      async *taskLogs(request) {
        asked.push(request);
        if (request.taskId === "gone") throw new OperationError("not-found", "no container");
        for (let line = 0; line < 300; line++)
          yield [{ stream: line % 2 === 0 ? "stdout" : "stderr", data: Buffer.from(`${line}\n`) }];
      },
    };
    const place = { host: "127.0.0.1", port: 0, identity: worker, clusterId, logs, admits: () => true, log };
    await using node = await PeerListener.listen(place);
    const [peer, signal] = [{ nodeId: asId<NodeId>("w1"), address: `127.0.0.1:${node.port}` }, new AbortController().signal];
    const request: TaskLogsRequest = {
      ...{ taskId: asId("t"), follow: true, wantsStdout: true, wantsStderr: false, timestamps: true, details: true },
      ...{ origin: "a=b", sinceNs: 1_795_000_000_123_456_789n, tail: 0 },
    };
    const lines: string[] = [];
    for await (const batch of taskLogsOf(peer, request, { identity: manager, clock, signal }))
      for (const { stream, data } of batch) lines.push(`${stream} ${String(Buffer.from(data))}`);
    assert.deepEqual([lines.length, lines[0], lines[299]], [300, "stdout 0\n", "stderr 299\n"]);
    assert.deepEqual(asked, [request]);
    const tried = (who: NodeIdentity, at = peer, taskId = "t") =>
      taskLogsOf(at, { ...request, taskId: asId(taskId) }, { identity: who, clock, signal }).next();
    await assert.rejects(tried(manager, peer, "gone"), { kind: "not-found", message: "no container" });
    await assert.rejects(tried(worker), { kind: "forbidden" });
    const foreign = await certificates.createRoot({ nowMs: Date.now() });
    await assert.rejects(tried(await identity("m1", "manager", { signer: foreign })), { kind: "unavailable" });
    await assert.rejects(tried(manager, { ...peer, nodeId: asId("w2") }), { kind: "unavailable" });
  });

  it("cuts connections with an expired or foreign certificate", async () => {
    const foreign = await certificates.createRoot({ nowMs: Date.now() });
    const bad = [await identity("m2", "manager", { ageMs: 1e8 }), await identity("m2", "manager", { signer: foreign })];
    for (const who of bad) {
      await using managers = clients(who);
      await assert.rejects(managers.control(address, { kind: "get-cluster" }, { requestId }), { kind: "unavailable" });
    }
  });

  it("lets a node that is not admitted ask for its own certificate, and nothing else", async () => {
    const removed = await identity("removed", "manager");
    await using managers = clients(removed);
    await assert.rejects(managers.control(address, { kind: "get-cluster" }, { requestId }), { kind: "forbidden" });
    const never = new Promise<IteratorResult<SessionUp>>(() => {});
    const up = { [Symbol.asyncIterator]: () => ({ next: () => never }) };
    const session = openSession({ ...dialling, address, identity: removed, up, signal: clock.timeout(8_000) });
    await assert.rejects(session.next(), { kind: "forbidden" });
    const { csrPem } = await certificates.createRequest();
    const renewal = { csrPem, joinToken: "", availability: "active" as const };
    assert.equal((await managers.issue(address, renewal)).nodeId, "removed");
    await assert.rejects(managers.issue(address, { ...renewal, nodeId: asId<NodeId>("other") }), { kind: "unavailable" });
  });

  it("takes no worker's certificate for a manager's at the other end", async () => {
    listener.setIdentity(worker);
    await using managers = clients(manager);
    await assert.rejects(managers.control(address, { kind: "get-cluster" }, { requestId }), { kind: "unavailable" });
  });

  it("shows a renewed certificate without a restart", async () => {
    listener.setIdentity(await identity("m9", "manager"));
    const name = await new Promise(resolve => {
      const socket = connect({ host: "127.0.0.1", port: listener.port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
    });
    assert.equal(name, "m9");
  });

  it("speaks TLS 1.3 only", async () => {
    const failed = await new Promise(resolve => {
      const options = { host: "127.0.0.1", port: listener.port, rejectUnauthorized: false, maxVersion: "TLSv1.2" as const };
      const socket = connect(options, () => resolve(false));
      socket.on("error", () => resolve(true));
    });
    assert.equal(failed, true);
  });

  it("enrols a node by its join token, after checking the root", async () => {
    const secret = new Uint8Array(16);
    const joinToken = formatJoinToken({ rootDigest: certificates.digest(root.certificatePem), secret });
    const options = { addresses: [address], joinToken, availability: "active" as const, certificates, clock };
    const issued = await enrol(options);
    const nowMs = Date.now();
    assert.equal(certificates.verify(issued.certificatePem, { rootPem: issued.rootPem, nowMs }).nodeId, "new");
    const wrong = formatJoinToken({ rootDigest: new Uint8Array(32), secret });
    await assert.rejects(enrol({ ...options, joinToken: wrong }), { kind: "unauthorized" });
    const nobody = "127.0.0.1:1"; // Port 1 is nobody's.
    assert.equal((await enrol({ ...options, addresses: [nobody, address] })).address, address);
    await assert.rejects(enrol({ ...options, addresses: [nobody, nobody] }), { kind: "unavailable" });
  });

  it("renews the caller's own certificate, and another's for a manager only", async () => {
    const { csrPem } = await certificates.createRequest();
    const renewal = { csrPem, joinToken: "", availability: "active" as const };
    await using workers = clients(worker);
    assert.equal((await workers.issue(address, renewal)).nodeId, "w1");
    await assert.rejects(workers.issue(address, { ...renewal, nodeId: asId("other") }), { kind: "unavailable" });
    await using managers = clients(manager);
    assert.equal((await managers.issue(address, { ...renewal, nodeId: asId("other") })).nodeId, "other");
  });

  it("adds a manager to Raft, and carries the dispatcher's reports to the leader", async () => {
    await using managers = clients(manager);
    assert.deepEqual(await managers.join(address, { own: "m1:2377" }), {
      raftId: 7,
      members: [{ raftId: 7, address: "m1:2377 m1" }],
    });
    const session = { nodeId: asId<NodeId>("n"), sessionId: asId<never>("s"), ageMs: 1.5, silenceMs: 2 };
    const report = { managerId: asId<NodeId>("m1"), sessions: [session] };
    const { signal } = new AbortController();
    assert.deepEqual(await managers.leader(address).reportSessions(report, { signal }), { fenced: ["s"] });
  });

  it("carries what workers report to the leader, one by one until it is known to take many, and all of it either way", async () => {
    await using managers = clients(manager);
    const { signal } = new AbortController();
    const status = { state: "running", atMs: 7, message: "started" } as const;
    const reports = ["a", "b", "c"].map(name => ({
      nodeId: asId<NodeId>(name),
      statuses: [{ taskId: asId<never>(`task of ${name}`), status }],
    }));
    const writeAll = () => Promise.all(reports.map(report => managers.leader(address).writeStatuses(report, { signal })));
    for (const [kind, calls] of [
      ["one by one", 3],
      ["together", 1],
    ] as const) {
      parts.statuses.length = 0;
      parts.statusCalls.clear();
      await writeAll();
      assert.equal(parts.statusCalls.size, calls, kind);
      assert.deepEqual(
        parts.statuses.toSorted((one, other) => (one.nodeId < other.nodeId ? -1 : 1)),
        reports,
        kind,
      );
      await managers.leader(address).reportSessions({ managerId: asId<NodeId>("m1"), sessions: [] }, { signal });
    }
  });

  it("leaves no report under way when it calls no manager any more", async () => {
    const managers = clients(manager);
    const { signal } = new AbortController();
    await managers.leader(address).reportSessions({ managerId: asId<NodeId>("m1"), sessions: [] }, { signal });
    parts.leader.writeStatuses = () => new Promise(() => {});
    const written = managers.leader(address).writeStatuses({ nodeId: asId<NodeId>("a"), statuses: [] }, { signal });
    setTimeout(() => void managers[Symbol.asyncDispose](), 50);
    await assert.rejects(written, { kind: "unavailable", message: "this node calls no manager any more" });
  });

  it("keeps calls of different services to one manager apart", async () => {
    await using managers = clients(manager);
    const report = { managerId: asId<NodeId>("m1"), sessions: [] };
    const calls = Array.from({ length: 30 }, (_, index) =>
      index % 2 === 0
        ? managers.control(address, { kind: "get-cluster" }, { requestId })
        : managers.leader(address).reportSessions(report, { signal: new AbortController().signal }),
    );
    assert.equal((await Promise.all(calls)).length, 30);
  });

  it("carries a session both ways until it is closed", async () => {
    const abort = new AbortController();
    async function* up(): AsyncGenerator<SessionUp> {
      yield { kind: "beat" };
      yield { kind: "statuses", statuses: [] };
      await new Promise(() => {}); // Stays open, as a real session does.
    }
    const seen: unknown[] = [];
    for await (const message of openSession({ ...dialling, address, identity: worker, up: up(), signal: abort.signal })) {
      seen.push(message.kind === "welcome" ? message.sessionId : message.kind === "managers" ? message.addresses : message);
      if (seen.length === 3) break;
    }
    assert.deepEqual(seen, ["session of w1 worker", ["beat"], ["statuses"]]);
  });

  it("cuts the open session of a node that is removed", async () => {
    await listener[Symbol.asyncDispose]();
    const removed = new Set<string>();
    const admission = ({ nodeId }: Peer) => (removed.has(nodeId) ? "superseded" : "member");
    const reviewing = { ...parts, admission } as const;
    const options = { host: "127.0.0.1", port: 0, identity: manager, clusterId, log, reviewMs: 20 };
    listener = await ManagerListener.listen({ ...options, backends: reviewing });
    async function* up(): AsyncGenerator<SessionUp> {
      yield { kind: "beat" };
      await new Promise(() => {});
    }
    const signal = clock.timeout(8_000);
    const session = openSession({ ...dialling, address: `127.0.0.1:${listener.port}`, identity: worker, up: up(), signal });
    assert.equal((await session.next()).value?.kind, "welcome");
    removed.add("w1");
    await assert.rejects(
      async () => {
        for await (const _ of session);
      },
      { kind: "unavailable" },
    );
  });

  it("ends a session with `unavailable` when the manager goes away, and with the reason when it is aborted", async () => {
    const abort = new AbortController();
    async function* up(): AsyncGenerator<SessionUp> {
      yield { kind: "beat" };
      await new Promise(() => {});
    }
    const session = openSession({ ...dialling, address, identity: worker, up: up(), signal: abort.signal });
    await session.next();
    abort.abort(new OperationError("cancelled", "stopped"));
    await assert.rejects(async () => {
      for await (const _ of session);
    }, /stopped/);

    const other = openSession({ ...dialling, address, identity: worker, up: up(), signal: new AbortController().signal });
    await other.next();
    await other.next();
    await listener[Symbol.asyncDispose]();
    await assert.rejects(other.next(), { kind: "unavailable" });
  });

  it("delivers Raft's messages in order, and again after the peer was away", async () => {
    await using peers = new RaftPeers({ identity: () => manager, clock });
    const lost: string[] = [];
    peers.onLost(lostAt => lost.push(lostAt));
    const to = { raftId: 2, address };
    for (let index = 0; index < 200; index++) peers.send(to, Uint8Array.of(index));
    await until(() => parts.received.length === 200, "200 messages");
    assert.deepEqual(
      parts.received.map(([first]) => first),
      Array.from({ length: 200 }, (_, index) => index),
    );

    assert.deepEqual(lost, []);
    const { port } = listener;
    await listener[Symbol.asyncDispose]();
    await until(() => lost.length > 0, "word of the loss");
    assert.equal(lost[0], address);
    listener = await ManagerListener.listen({ host: "127.0.0.1", port, identity: manager, clusterId, backends: parts, log });
    let sent = 0;
    await until(() => {
      if (sent++ % 5 === 0) peers.send(to, Uint8Array.of(250));
      return parts.received.length > 200;
    }, "a message after the break");
    assert.equal(parts.received.at(-1)?.[0], 250);
  });

  it("hears Raft's messages alone of a manager that is ahead, with the state that its certificate names", async () => {
    const ahead = await identity("ahead", "manager", { position: { epoch: 2, index: 345 } });
    await using peers = new RaftPeers({ identity: () => ahead, clock });
    peers.send({ raftId: 2, address }, Uint8Array.of(77));
    await until(() => parts.received.at(-1)?.[0] === 77, "the message");
    assert.deepEqual(parts.senders.at(-1), { nodeId: "ahead", clusterId, role: "manager", position: { epoch: 2, index: 345 } });
    await using managers = clients(ahead);
    await assert.rejects(managers.control(address, { kind: "get-cluster" }, { requestId }), { kind: "unavailable" });
  });

  it("answers a node that it could not judge as soon as it can", async () => {
    await listener[Symbol.asyncDispose]();
    let known: Admission = "ahead";
    const options = { host: "127.0.0.1", port: 0, identity: manager, clusterId, log };
    listener = await ManagerListener.listen({ ...options, backends: { ...parts, admission: () => known } });
    await using managers = clients(manager);
    const call = () => managers.control(`127.0.0.1:${listener.port}`, { kind: "get-cluster" }, { requestId });
    await assert.rejects(call(), { kind: "unavailable" });
    known = "member";
    const deadline = clock.timeout(2_000); // Long before all connections are looked at again.
    const answered = async (): Promise<unknown> => await call().catch(() => (deadline.aborted ? "in vain" : answered()));
    assert.notEqual(await answered(), "in vain");
  });

  it("carries a snapshot of many chunks", async () => {
    await using peers = new RaftPeers({ identity: () => manager, clock });
    const { signal } = new AbortController();
    await peers.sendSnapshot({ raftId: 2, address }, numbered(40, 256 * 1024), { signal });
    assert.deepEqual(parts.snapshots, [40 * 256 * 1024]);
  });

  it("answers the local daemon on a unix socket, also one that an earlier process left", async () => {
    const directory = await mkdtemp(join(tmpdir(), "shoal-rpc-"));
    const path = join(directory, "manager.sock");
    try {
      const told = { type: "service", action: "update", id: "one", attributes: { name: "web", "replicas.new": "2" } } as const;
      const localBackend = {
        async *events() {
          yield told;
        },
        backup: () => numbered(3, 1024),
      };
      await using _first = await ControlSocket.listen({ path, backend: parts.control, local: localBackend });
      await using _second = await ControlSocket.listen({ path, backend: parts.control, local: localBackend });
      await using local = new LocalControl({ path, clock });
      const answer = await local.call({ kind: "list-nodes", filters: { role: ["a", "b"] } }, { requestId });
      assert.deepEqual(answer, { kind: "created", id: "list-nodes request1 false", warnings: [] });
      const abort = new AbortController();
      for await (const event of local.events(abort)) assert.deepEqual(event, told);
      const backup: Uint8Array[] = [];
      for await (const part of local.backup(abort)) backup.push(part);
      assert.deepEqual(
        backup.map(({ length }) => length),
        [1024, 1024, 1024],
      );
      abort.abort(new OperationError("cancelled", "no more"));
      await assert.rejects(local.call({ kind: "get-cluster" }, { requestId, signal: abort.signal }), /no more/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
