import assert from "node:assert/strict";
import { Client } from "@grpc/grpc-js";
import { FORMAT_LEVEL } from "../../../src/codec/entry.ts";
import { sessionUp } from "../../../src/codec/session.ts";
import type { ServiceSpec, Task, TaskStatus } from "../../../src/model/cluster.ts";
import type { ControlRequest } from "../../../src/model/control.ts";
import { asId, type NodeId, type SecretId, type TaskId } from "../../../src/model/ids.ts";
import type { NodeIdentity } from "../../../src/ports/certificates.ts";
import { encodeEnvelope } from "../../../src/raft/encoding.ts";
import { RaftPeers } from "../../../src/rpc/raft-transport.ts";
import { ControlClient } from "../../../src/gen/control.ts";
import { DispatcherClient, LeaderClient, SessionUp as SessionUpMessage } from "../../../src/gen/dispatcher.ts";
import { memberCredentials } from "../../../src/rpc/channel.ts";
import { clientOptions } from "../../../src/rpc/limits.ts";
import { specWith } from "../manager/control-api/cluster.ts";
import { clock, dial, HELLO, HeldSession, startWorld, until, type World } from "./world.ts";

const MARKER = "the-secret-of-the-first-tenant";
const FOREVER = new AbortController().signal;
type Member = NodeIdentity & { readonly nodeId: NodeId };

describe("attacks by a worker on the managers' port", function () {
  this.timeout(30_000);
  let world: World;
  /** Two tenants' nodes. Each runs a service of its own, the first with a secret. */
  let first: Member;
  let second: Member;
  /** Runs nothing. */
  let third: Member;
  let firstSession: HeldSession;
  let secondSession: HeldSession;
  let secretId: SecretId;

  before(async () => {
    world = await startWorld();
    [first, second, third] = [await world.join("worker"), await world.join("worker"), await world.join("worker")];
    firstSession = await new HeldSession({ address: world.address, identity: first }).opened();
    secondSession = await new HeldSession({ address: world.address, identity: second }).opened();
    const spec = { name: "password", labels: {}, data: Buffer.from(MARKER) };
    secretId = asId((await world.control({ kind: "create-secret", spec }, "created")).id);
    const file = { name: "password", uid: "0", gid: "0", mode: 0o400 };
    await create("first", first.nodeId, { secrets: [{ id: secretId, name: "password", file }] });
    await create("second", second.nodeId, {});
    await until("both run something", () => taskOf(firstSession) !== undefined && taskOf(secondSession) !== undefined);
  });
  after(async () => {
    await firstSession?.[Symbol.asyncDispose]();
    await secondSession?.[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  async function create(name: string, nodeId: NodeId, container: Partial<ServiceSpec["task"]["container"]>): Promise<void> {
    const spec = specWith(name, { container, task: { placement: { constraints: [`node.id==${nodeId}`] } } });
    await world.control({ kind: "create-service", spec }, "created");
  }

  const taskOf = (session: HeldSession): Task | undefined => session.assigned("task").at(-1)?.task.task;
  const tasks = async () => (await world.control({ kind: "list-tasks", filters: {} }, "tasks")).tasks.map(({ task }) => task);
  const task = async (id: TaskId) => (await tasks()).find(each => each.id === id) ?? assert.fail(`no task ${id}`);
  const status = (state: TaskStatus["state"], message = ""): TaskStatus => ({ state, atMs: clock.nowMs(), message });

  /** What was sent before on the same session has been acted on: a report of the node's own came after it. */
  async function acted(session: HeldSession): Promise<void> {
    const own = taskOf(session) ?? assert.fail();
    const message = `mark ${performance.now()}`;
    session.send({ kind: "statuses", statuses: [{ taskId: own.id, status: status("preparing", message) }] });
    await until("the mark is written", async () => (await task(own.id)).status.message === message);
  }

  it("a secret goes to the node with the task that needs it, and to no other", async () => {
    await until("the first has it", () => firstSession.assigned("secret").length === 1);
    assert.equal(Buffer.from(firstSession.assigned("secret")[0]?.secret.data ?? []).toString(), MARKER);
    await acted(secondSession);
    await using another = await new HeldSession({ address: world.address, identity: third }).opened();
    assert.deepEqual([secondSession.assigned("secret"), another.assigned("secret")], [[], []]);
    assert.doesNotMatch(JSON.stringify(secondSession.down), new RegExp([...Buffer.from(MARKER)].join(",")));
  });

  it("no answer to a manager's own clients holds a secret's data", async () => {
    for (const request of [
      { kind: "get-secret", idOrName: secretId },
      { kind: "list-secrets", filters: {} },
    ] as const) {
      const { secrets } = await world.control(request, "secrets");
      assert.deepEqual(
        secrets.map(({ spec }) => spec.data.length),
        [0],
      );
    }
  });

  it("a status of another node's task is not written", async () => {
    const { id, status: before } = taskOf(firstSession) ?? assert.fail();
    secondSession.send({ kind: "statuses", statuses: [{ taskId: id, status: status("failed", "taken over") }] });
    await acted(secondSession);
    assert.notEqual((await task(id)).status.message, "taken over");
    assert.notEqual((await task(id)).status.state, "failed");
    assert.notEqual(before.state, "failed");
  });

  it("a status of a task that is none is not written, and makes none", async () => {
    secondSession.send({ kind: "statuses", statuses: [{ taskId: asId("invented"), status: status("running") }] });
    await acted(secondSession);
    assert.equal(
      (await tasks()).some(({ id }) => id === "invented"),
      false,
    );
  });

  it("a status that goes backwards is not written", async () => {
    const { id } = taskOf(secondSession) ?? assert.fail();
    await acted(secondSession); // It is preparing now.
    secondSession.send({ kind: "statuses", statuses: [{ taskId: id, status: status("accepted", "backwards") }] });
    // Another node's reports, which are written after it, and leave this task alone.
    for (let round = 0; round < 3; round++) await acted(firstSession);
    const { state, message } = (await task(id)).status;
    assert.equal(state, "preparing");
    assert.match(message, /^mark/);
  });

  it("a status with megabytes of text is cut to what others can bear", async () => {
    const { id } = taskOf(secondSession) ?? assert.fail();
    const long = { ...status("preparing", "m".repeat(1e6)), error: "e".repeat(1e6) };
    secondSession.send({ kind: "statuses", statuses: [{ taskId: id, status: long }] });
    await until("it is written", async () => (await task(id)).status.message.startsWith("mm"));
    const { message, error } = (await task(id)).status;
    assert.deepEqual([message.length, error?.length], [8192, 8192]);
  });

  it("a hello with megabytes ends the session, and is not written", async () => {
    const description = { ...(HELLO.kind === "hello" ? HELLO.description : assert.fail()), hostname: "h".repeat(1e6) };
    const identity = await world.join("worker");
    await using session = new HeldSession({
      address: world.address,
      identity,
      hello: { kind: "hello", description, address: "" },
    });
    assert.match(String(await session.refused()), /description has more than/);
    const { nodes } = await world.control({ kind: "get-node", idOrName: identity.nodeId }, "nodes");
    assert.equal(nodes[0]?.node.description, undefined);
  });

  const injected = "192.0.2.1 }; flush ruleset";
  for (const [what, hello] of [
    ["address", { address: injected }],
    ["data path address", { description: { dataPathAddress: injected } }],
  ] as const)
    it(`a hello whose ${what} is commands for other nodes' kernels ends the session, and is not written`, async () => {
      const own = HELLO.kind === "hello" ? HELLO : assert.fail();
      const identity = await world.join("worker");
      const description = { ...own.description, ...("description" in hello ? hello.description : {}) };
      const address = "address" in hello ? hello.address : "";
      await using session = new HeldSession({ address: world.address, identity, hello: { ...own, description, address } });
      assert.match(String(await session.refused()), /address is no IP address/);
      const { nodes } = await world.control({ kind: "get-node", idOrName: identity.nodeId }, "nodes");
      assert.equal(nodes[0]?.node.description, undefined);
    });

  it("a hello that names another node, in fields that nobody knows, is its sender's all the same", async () => {
    const sender = await world.join("worker");
    const client = new Client(world.address, memberCredentials(sender), clientOptions);
    const bytes = (data: Buffer) => data;
    const call = client.makeBidiStreamRequest("/shoal.Dispatcher/Session", bytes, bytes);
    call.on("error", () => {}).on("data", () => {});
    // Fields 3 and 15 of a hello, field 15 of the message around it: whatever a later version may mean by them.
    const delimited = (field: number, data: Uint8Array) => Buffer.concat([Buffer.of((field << 3) | 2, data.length), data]);
    const victim = Buffer.from(first.nodeId);
    const description = { ...(HELLO.kind === "hello" ? HELLO.description : assert.fail()), hostname: "spoofed" };
    const hello = SessionUpMessage.encode(sessionUp.toWire({ kind: "hello", description, address: "" }))
      .finish()
      .subarray(2);
    const inner = Buffer.concat([hello, delimited(3, victim), delimited(15, victim)]);
    call.write(Buffer.concat([delimited(1, inner), delimited(15, victim)]));
    const hostname = async (nodeId: NodeId) =>
      (await world.control({ kind: "get-node", idOrName: nodeId }, "nodes")).nodes[0]?.node.description?.hostname;
    await until("it is written for its sender", async () => (await hostname(sender.nodeId)) === "spoofed");
    assert.equal(await hostname(first.nodeId), "h");
    call.cancel();
    client.close();
  });

  it("messages of a session that are no messages end it", async () => {
    const identity = await world.join("worker");
    const client = new DispatcherClient(world.address, memberCredentials(identity), clientOptions);
    const noStatus = { statuses: [{ taskId: "t", status: undefined }] };
    for (const [$case, value] of [
      ["hello", { address: "192.0.2.1" }],
      ["statuses", noStatus],
    ]) {
      const call = client.session();
      const code = new Promise<number>(resolve =>
        call.on("error", (error: { readonly code?: number }) => resolve(error.code ?? 0)),
      );
      call.on("data", () => {});
      call.write({ message: { $case, value } } as never);
      assert.notEqual(await code, 0);
    }
    client.close();
    assert.equal((await world.cluster()).id, world.clusterId);
  });

  it("a node's newer session ends the older: nobody listens in on it", async () => {
    const older = secondSession;
    secondSession = await new HeldSession({ address: world.address, identity: second }).opened();
    assert.match(String(await older.refused()), /newer session/);
    await older[Symbol.asyncDispose]();
  });

  const id = (text: string) => text as never;
  const calls: readonly ControlRequest[] = [
    { kind: "get-cluster" },
    { kind: "get-unlock-key" },
    { kind: "list-secrets", filters: {} },
    { kind: "get-secret", idOrName: "password" },
    { kind: "list-nodes", filters: {} },
    { kind: "list-tasks", filters: {} },
    { kind: "list-services", filters: {} },
    { kind: "list-configs", filters: {} },
    { kind: "create-secret", spec: { name: "planted", labels: {}, data: Buffer.from("x") } },
    { kind: "remove-secret", idOrName: "password" },
    { kind: "create-service", spec: specWith("planted", {}) },
    { kind: "remove-service", idOrName: "first" },
    { kind: "remove-node", idOrName: "h", force: true },
    { kind: "state-hash" },
  ];
  for (const request of calls) {
    it(`a worker's control call ${request.kind} is refused`, async () => {
      const tried = world.clients(second).control(world.address, request, { requestId: id("r") });
      await assert.rejects(tried, { kind: "forbidden", message: "only managers may call this" });
    });
  }

  it("a worker does not listen to the cluster's events, nor does another manager", async () => {
    for (const who of [second, world.identity]) {
      const client = new ControlClient(world.address, memberCredentials(who), clientOptions);
      const call = client.events({});
      const code = new Promise<number>(resolve =>
        call.on("error", (error: { readonly code?: number }) => resolve(error.code ?? 0)),
      );
      call.on("data", () => {});
      assert.equal(await code, 7, "PERMISSION_DENIED");
      client.close();
    }
  });

  it("a worker does not report in the leader's ear for another node", async () => {
    const leader = world.clients(second).leader(world.address);
    const { id: taskId } = taskOf(firstSession) ?? assert.fail();
    const statuses = [{ taskId, status: status("failed", "planted") }];
    const description = HELLO.kind === "hello" ? HELLO.description : assert.fail();
    const session = { nodeId: first.nodeId, sessionId: id("s"), ageMs: 0, silenceMs: 1e6 };
    const options = { signal: FOREVER };
    await assert.rejects(leader.writeStatuses({ nodeId: first.nodeId, statuses }, options), { kind: "forbidden" });
    await assert.rejects(leader.describeNode({ nodeId: first.nodeId, description, address: "6.6.6.6" }, options), {
      kind: "forbidden",
    });
    await assert.rejects(leader.reportSessions({ managerId: world.nodeId, sessions: [session] }, options), { kind: "forbidden" });
    const client = new LeaderClient(world.address, memberCredentials(second), clientOptions);
    const many = new Promise<number>(resolve =>
      client.writeManyStatuses({ reports: [{ nodeId: first.nodeId, statuses: [] }] }, error => resolve(error?.code ?? 0)),
    );
    assert.equal(await many, 7, "PERMISSION_DENIED");
    client.close();
    assert.notEqual((await task(taskId)).status.state, "failed");
  });

  async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield bytes;
  }

  /** A vote request of a far later term: whoever takes it in steps down. */
  const vote = (from: number) =>
    encodeEnvelope({
      message: { kind: "vote-request", from, to: 1, term: 99, lastIndex: 1e6, lastTerm: 99, isTransfer: true },
      fromAddress: "127.0.0.1:1",
    });

  async function sendRaft(who: NodeIdentity, message: Uint8Array): Promise<void> {
    await using peers = new RaftPeers({ identity: () => who, clock });
    peers.send({ raftId: 1, address: world.address }, message);
    await new Promise(resolve => setTimeout(resolve, 300));
  }

  it("a worker's snapshot is refused, and its Raft messages are not heard", async () => {
    await using peers = new RaftPeers({ identity: () => second, clock });
    const member = { raftId: 1, address: world.address };
    await assert.rejects(peers.sendSnapshot(member, chunk(Buffer.of(1)), { signal: FOREVER }), { kind: "forbidden" });
    await sendRaft(second, vote(1));
    assert.equal((await world.cluster()).id, world.clusterId);
    assert.doesNotMatch(world.log.lines.join("\n"), /raft message was dropped/, "it came no further than the port");
  });

  it("a manager's Raft message in another member's name, or in that of no member, is dropped", async () => {
    const manager = await world.join("manager");
    for (const from of [1, 77]) {
      const before = world.log.lines.length;
      await sendRaft(manager, vote(from));
      assert.match(world.log.lines.slice(before).join("\n"), new RegExp(`dropped.*its sender is not manager ${from} of raft`));
    }
    assert.equal((await world.cluster()).id, world.clusterId, "it leads on");
  });

  it("a Raft message of a manager that nobody knows yet is dropped, in another member's name and in its own", async () => {
    const position = { epoch: 0, index: 1e9 };
    const [manager, worker] = [await world.forge({ nodeId: "new", position }), await world.forge({ role: "worker", position })];
    for (const from of [1, 77]) {
      const before = world.log.lines.length;
      await sendRaft(manager, vote(from));
      assert.match(world.log.lines.slice(before).join("\n"), new RegExp(`dropped.*its sender is not manager ${from} of raft`));
    }
    const before = world.log.lines.length;
    await sendRaft(worker, vote(77));
    assert.deepEqual(world.log.lines.slice(before), [], "a worker's came no further than the port");
    assert.equal((await world.cluster()).id, world.clusterId, "it leads on");
  });

  it("a removed manager's Raft messages are heard no more: at once on an open connection, and on no new one", async () => {
    const manager = await world.join("manager");
    const own = { own: "127.0.0.1:1", formatLevel: FORMAT_LEVEL };
    const { raftId } = await world.clients(manager).join(world.address, own);
    /** Does nothing, when it is heard. */
    const word = { kind: "vote-response", from: raftId, to: 1, term: 0, isGranted: false } as const;
    const message = encodeEnvelope({ message: word, fromAddress: "127.0.0.1:1" });
    const dropped = new RegExp(`dropped.*its sender is not manager ${raftId} of raft`);
    const isDropped = () => world.log.lines.some(line => dropped.test(line));
    await using peers = new RaftPeers({ identity: () => manager, clock });
    const send = () => peers.send({ raftId: 1, address: world.address }, message);
    const beside = await dial(world.port, { identity: manager });
    beside.on("error", () => {}).resume();
    send();
    await new Promise(resolve => setTimeout(resolve, 200));
    assert.ok(!isDropped());
    await using _founder = await new HeldSession({ address: world.address, identity: world.identity }).opened(); // A quorum has to be up.
    const node = async () => {
      const { nodes } = await world.control({ kind: "get-node", idOrName: manager.nodeId }, "nodes");
      return nodes[0]?.node ?? assert.fail();
    };
    await until("it is demoted", async () => {
      const { id, version, spec } = await node();
      const request = { kind: "update-node", id, version, spec: { ...spec, role: "worker" } } as const;
      return (await world.control(request, "done")).kind === "done";
    });
    await until("it is out of Raft", async () => (await node()).manager === undefined);
    await world.control({ kind: "remove-node", idOrName: manager.nodeId, force: true }, "done");
    send();
    if (!beside.destroyed) await until("its message is dropped", isDropped); // Or its connections were reviewed just now, and cut.
    const before = world.log.lines.length;
    await sendRaft(manager, message);
    const told = world.log.lines.slice(before).filter(line => !line.startsWith("this process stood still")); // A busy machine's doing.
    assert.deepEqual(told, [], "it came no further than the port");
  });
});
