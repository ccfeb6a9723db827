import assert from "node:assert/strict";
import { entryBytes, FORMAT_LEVEL } from "../../../../src/codec/entry.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { NodeId, SessionId } from "../../../../src/model/ids.ts";
import type { Cluster, Node, NodeRole } from "../../../../src/model/cluster.ts";
import type { SessionDown, SessionUp } from "../../../../src/model/session.ts";
import { Dispatcher } from "../../../../src/manager/dispatcher/dispatcher.ts";
import type { NodeReport, SessionReport, StatusReport } from "../../../../src/manager/dispatcher/leader-calls.ts";
import type { Change } from "../../../../src/manager/store/change.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { WATCH_CHANGES_MAX } from "../../../../src/manager/store/watchers.ts";
import { settle, simulatedClock, VirtualTime } from "../../../sim/virtual-time.ts";
import { aNode } from "../../scheduler/fixtures.ts";
import { aSecret, aService, aTask } from "../store/objects.ts";

const DESCRIPTION = aNode().description ?? assert.fail();
const HELLO: SessionUp = { kind: "hello", description: DESCRIPTION, address: "" };

/** What a worker sends, as it sends it. */
class Uplink implements AsyncIterable<SessionUp> {
  readonly #sent: SessionUp[] = [];
  #isOver = false;
  #wake: () => void = () => {};

  push(message: SessionUp): void {
    this.#sent.push(message);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SessionUp> {
    for (;;) {
      yield* this.#sent.splice(0);
      if (this.#isOver) return;
      await new Promise<void>(resolve => (this.#wake = resolve));
    }
  }
}

/** What one worker hears, and how its session ended. */
interface Held {
  readonly down: SessionDown[];
  readonly up: Uplink;
  readonly stop: AbortController;
  end: string | undefined;
}

/** One manager's dispatcher, before a leader that answers as the test says. */
class Manager {
  readonly store = new Store();
  readonly time = new VirtualTime();
  readonly stop = new AbortController();
  readonly warnings: string[] = [];
  readonly statuses: StatusReport[] = [];
  readonly nodes: NodeReport[] = [];
  readonly sessions: (SessionReport & { readonly atMs: number })[] = [];
  /** What the leader says to reports of tasks and nodes. */
  failure: Error | undefined;
  hasLeader = true;
  /** Asked for so far. */
  barriers = 0;
  fenced: readonly SessionId[] = [];
  readonly #dispatcher: Dispatcher;
  readonly #ended: Promise<unknown>;
  #opened = 0;

  constructor() {
    const clock = simulatedClock(this.time);
    const log = {
      debug: () => {},
      info: () => {},
      warn: (_: unknown, message: string) => void this.warnings.push(message),
      error: () => {},
    };
    this.#dispatcher = new Dispatcher({
      ...{ store: this.store, clock, log, managerId: asId("m1"), beatPeriodMs: 1_000 },
      newSessionId: () => asId(`session${++this.#opened}`),
      readBarrier: async () => {
        this.barriers++;
        if (!this.hasLeader) throw new OperationError("unavailable", "no leader");
      },
      leader: {
        writeStatuses: async report => this.#answer(() => this.statuses.push(report)),
        describeNode: async report => this.#answer(() => this.nodes.push(report)),
        reportSessions: async report => {
          if (!this.hasLeader) throw new OperationError("unavailable", "no leader");
          this.sessions.push({ ...report, atMs: this.time.nowMs });
          return { fenced: this.fenced };
        },
      },
    });
    for (const id of ["m1", "w1", "w2"]) this.putNode(id, { role: id === "m1" ? "manager" : "worker" });
    this.#ended = this.#dispatcher.run({ signal: this.stop.signal }).catch((error: unknown) => error);
  }

  #answer(take: () => void): void {
    if (this.failure !== undefined) throw this.failure;
    take();
  }

  apply(changes: readonly Change[]): void {
    const data = entryBytes.encode({ changes, reliesOn: [], atMs: 1 });
    assert.equal(this.store.apply({ index: this.store.view().index + 1, term: 1, data }).kind, "applied");
  }

  putNode(id: string, more: Partial<Node> = {}): void {
    const known = this.store.view().get("node", asId(id)) ?? { ...aNode({ id }), version: 0 };
    const manager = more.role === "manager" ? { manager: { raftId: 1, address: `${id}:2377` } } : {};
    const object: Node = { ...known, ...manager, ...more };
    this.apply([{ kind: "put", table: "node", object, basedOn: known.version }]);
  }

  putCluster(more: Partial<Cluster["rootCa"]>): void {
    const [known] = this.store.view().all("cluster");
    const meta = { id: asId<Cluster["id"]>("cluster"), version: 0, createdAtMs: 0, updatedAtMs: 0 };
    const spec = {
      name: "default",
      labels: {},
      taskHistoryLimit: 5,
      heartbeatPeriodNs: 1e9,
      nodeCertExpiryNs: 0,
      forceRotate: 0,
    };
    const raft = { autoLockManagers: false, snapshotInterval: 1, logEntriesForSlowFollowers: 1 };
    const rootCa = { certificatePem: "root", keyPem: "", joinTokenWorker: "", joinTokenManager: "", ...more };
    const plain = { ...meta, spec: { ...spec, ...raft }, defaultAddressPool: [], subnetSize: 24, dataPathPort: 4789 };
    const object: Cluster = { ...(known ?? plain), rootCa };
    this.apply([{ kind: "put", table: "cluster", object, basedOn: object.version }]);
  }

  session(nodeId: string, up: Uplink): AsyncGenerator<SessionDown, void, undefined> {
    return this.#dispatcher.session({ nodeId: asId(nodeId) }, up, { signal: new AbortController().signal });
  }

  open(nodeId: string, { role, remoteAddress }: { readonly role?: NodeRole; readonly remoteAddress?: string } = {}): Held {
    const [up, stop] = [new Uplink(), new AbortController()];
    const who = {
      nodeId: asId<NodeId>(nodeId),
      ...(role !== undefined && { role }),
      ...(remoteAddress !== undefined && { remoteAddress }),
    };
    const listening = this.#dispatcher.session(who, up, { signal: stop.signal });
    const held: Held = { down: [], up, stop, end: undefined };
    void (async () => {
      try {
        for await (const message of listening) held.down.push(message);
        held.end = "it ended";
      } catch (error) {
        held.end = error instanceof OperationError ? `${error.kind}: ${error.message}` : String(error);
      }
    })();
    return held;
  }

  async pass(ms: number): Promise<void> {
    await settle();
    await this.time.runUntil(this.time.nowMs + ms);
    await settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort(new Error("the manager stops"));
    await this.pass(10);
    await this.#ended;
  }
}

const kinds = ({ down }: Held): readonly string[] => down.map(({ kind }) => kind);
/** What came since it was last asked. */
const news = (held: Held): readonly SessionDown[] => held.down.splice(0);

describe("a worker's session", () => {
  it("begins with what the worker has to know", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    await manager.pass(1);
    const [welcome, managers, assignments] = worker.down;
    assert.deepEqual(kinds(worker), ["welcome", "managers", "assignments"]);
    assert.deepEqual(welcome, { kind: "welcome", sessionId: "session1", beatPeriodMs: 1_000 });
    assert.deepEqual(managers, { kind: "managers", addresses: ["m1:2377"], nodeIds: ["m1"] });
    assert.ok(assignments?.kind === "assignments" && assignments.assignments.isFull);
    await manager.pass(10_000);
    assert.equal(worker.down.length, 3, "nothing more is said while nothing changes");
  });

  it("brings what changes, changes that come together in one message", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    const service = aService("web");
    const meta = { version: 0, createdAtMs: 0, updatedAtMs: 0 };
    const revision = {
      ...meta,
      id: service.revisionId,
      serviceId: service.id,
      task: service.spec.task,
      endpoint: { mode: "vip", ports: [] },
    } as const;
    manager.apply([
      { kind: "put", table: "service", object: service, basedOn: 0 },
      { kind: "put", table: "revision", object: revision, basedOn: 0 },
    ]);
    await manager.pass(1_000);
    news(worker);
    for (const id of ["t1", "t2"]) {
      const status = { state: "assigned", atMs: 0, message: "" } as const;
      const object = aTask(id, { serviceId: service.id, revisionId: service.revisionId, nodeId: asId("w1"), status });
      manager.apply([{ kind: "put", table: "task", object, basedOn: 0 }]);
      await manager.pass(20);
    }
    assert.deepEqual(news(worker), []);
    await manager.pass(40);
    const [message, ...others] = news(worker);
    assert.ok(message?.kind === "assignments" && others.length === 0);
    assert.deepEqual([message.assignments.isFull, message.assignments.sequence, message.assignments.put.length], [false, 2, 2]);
  });

  it("tells where the managers are when one comes, moves, counts no more or goes", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    const told = async (): Promise<unknown> => {
      await manager.pass(1_000);
      return news(worker).flatMap(message => (message.kind === "managers" ? [message.addresses, message.nodeIds] : []));
    };
    await told();
    manager.putNode("m2", { role: "manager" });
    assert.deepEqual(await told(), [
      ["m1:2377", "m2:2377"],
      ["m1", "m2"],
    ]);
    manager.putNode("m2", { manager: { raftId: 2, address: "elsewhere:2377" } });
    assert.deepEqual(await told(), [
      ["elsewhere:2377", "m1:2377"],
      ["m1", "m2"],
    ]);
    manager.putNode("m2", { role: "worker" });
    assert.deepEqual(await told(), [["elsewhere:2377", "m1:2377"], ["m1"]]);
    manager.putNode("m2", { status: { state: "down", message: "", address: "" } });
    assert.deepEqual(await told(), []);
    const { version } = manager.store.view().get("node", asId("m2")) ?? assert.fail();
    manager.apply([{ kind: "remove", table: "node", id: asId("m2"), basedOn: version }]);
    assert.deepEqual(await told(), [["m1:2377"], ["m1"]]);
  });

  it("goes on, told everything anew, when the dispatcher fell behind the state", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    await manager.pass(1_000);
    news(worker);
    manager.putNode("m2", { role: "manager" });
    const many = Array.from({ length: WATCH_CHANGES_MAX }, (_, index) => aSecret(`secret${index}`));
    manager.apply(many.map(object => ({ kind: "put", table: "secret", object, basedOn: 0 })));
    await manager.pass(1_000);
    const told = (): unknown => news(worker).flatMap(message => (message.kind === "managers" ? [message.nodeIds] : []));
    assert.deepEqual(manager.warnings, ["sessions fell behind the state and are told everything anew"]);
    assert.deepEqual(told(), [["m1", "m2"]]);
    manager.putNode("m3", { role: "manager" });
    await manager.pass(1_000);
    assert.deepEqual(told(), [["m1", "m2", "m3"]]);
    assert.equal(worker.end, undefined);
  });

  it("tells the node's role when it is not the one of its certificate, once", async () => {
    await using manager = new Manager();
    const [worker, other, nameless] = [
      manager.open("w1", { role: "worker" }),
      manager.open("w2", { role: "worker" }),
      manager.open("m1"),
    ];
    await manager.pass(100);
    for (const id of ["w1", "m1"]) manager.putNode(id, { spec: { labels: {}, role: "manager", availability: "active" } });
    await manager.pass(1_000);
    const roles = (held: Held): readonly string[] =>
      held.down.flatMap(message => (message.kind === "role" ? [message.role] : []));
    assert.deepEqual([roles(worker), roles(other), roles(nameless)], [["manager"], [], []]);
    manager.putNode("w1", { spec: { labels: {}, role: "worker", availability: "active" } });
    await manager.pass(1_000);
    assert.deepEqual(roles(worker), ["manager", "worker"]);
    const promoted = manager.open("w2", { role: "manager" });
    await manager.pass(100);
    assert.deepEqual(roles(promoted), ["worker"]);
  });

  it("tells what to trust when it is known and when it changes", async () => {
    await using manager = new Manager();
    manager.putCluster({});
    const worker = manager.open("w1");
    const told = async (): Promise<unknown> => {
      await manager.pass(1_000);
      return news(worker).flatMap(message => (message.kind === "authority" ? [message.authority] : []));
    };
    assert.deepEqual(await told(), [], "a cluster from before its issuer was kept");
    const issuer = { subject: "subject", publicKey: "key" };
    manager.putCluster({ issuer });
    assert.deepEqual(await told(), [{ rootsPem: "root", issuer, spreadMs: 60 }]);
    manager.putNode("w2", { spec: { labels: { a: "b" }, role: "worker", availability: "active" } });
    assert.deepEqual(await told(), []);
    manager.putCluster({ issuer, certificatePem: "next" });
    assert.deepEqual(await told(), [{ rootsPem: "next", issuer, spreadMs: 60 }]);
  });

  it("is ended by the node's newer one", async () => {
    await using manager = new Manager();
    const older = manager.open("w1");
    await manager.pass(100);
    const newer = manager.open("w1");
    await manager.pass(100);
    assert.deepEqual([older.end, newer.end], ["unavailable: the node has a newer session", undefined]);
  });

  it("is ended when the leader has heard of a newer one elsewhere", async () => {
    await using manager = new Manager();
    const [one, two] = [manager.open("w1"), manager.open("w2")];
    await manager.pass(100);
    manager.fenced = [asId("session1")];
    await manager.pass(1_000);
    assert.deepEqual([one.end, two.end], ["unavailable: the node has a newer session", undefined]);
  });

  it("is ended when its node is removed, and no other's is", async () => {
    await using manager = new Manager();
    const [one, two] = [manager.open("w1"), manager.open("w2")];
    await manager.pass(100);
    const { version } = manager.store.view().get("node", asId("w1")) ?? assert.fail();
    manager.apply([{ kind: "remove", table: "node", id: asId("w1"), basedOn: version }]);
    await manager.pass(100);
    assert.deepEqual([one.end, two.end], ["unavailable: the node was removed", undefined]);
    const again = manager.open("w1");
    await manager.pass(10);
    assert.equal(again.end, "not-found: node w1 not found");
  });

  it("ends when the worker ends it, or its connection does", async () => {
    await using manager = new Manager();
    const [one, two] = [manager.open("w1"), manager.open("w2")];
    await manager.pass(100);
    one.up.end();
    two.stop.abort(new Error("the connection is gone"));
    await manager.pass(100);
    assert.deepEqual([one.end, two.end], ["unavailable: the worker ended the session", "it ended"]);
    await manager.pass(1_000);
    assert.deepEqual(manager.sessions.at(-1)?.sessions, []);
  });

  it("leaves nothing behind when nobody listens to it any more", async () => {
    await using manager = new Manager();
    const session = manager.session("w1", new Uplink());
    assert.equal((await session.next()).value?.kind, "welcome");
    await manager.pass(600);
    assert.equal(manager.sessions.at(-1)?.sessions.length, 1);
    await session.return();
    await manager.pass(600);
    assert.deepEqual(manager.sessions.at(-1)?.sessions, []);
  });

  it("ends with the manager", async () => {
    const manager = new Manager();
    const worker = manager.open("w1");
    await manager.pass(100);
    await manager[Symbol.asyncDispose]();
    assert.equal(worker.end, "unavailable: the manager is stopping");
  });
});

describe("what a worker reports", () => {
  const statuses = (message: string): SessionUp => ({
    kind: "statuses",
    statuses: [{ taskId: asId("t1"), status: { state: "running", atMs: 1, message } }],
  });

  it("goes to the leader, for the node of its certificate and with the address it came from", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1", { remoteAddress: "192.0.2.9" });
    worker.up.push(HELLO);
    worker.up.push({ ...HELLO, address: "192.0.2.1" } as SessionUp);
    worker.up.push(statuses("fine"));
    await manager.pass(10);
    assert.deepEqual(
      manager.nodes.map(({ nodeId, address }) => [nodeId, address]),
      [
        ["w1", "192.0.2.9"],
        ["w1", "192.0.2.1"],
      ],
    );
    assert.deepEqual(manager.statuses, [
      {
        nodeId: "w1",
        statuses: statuses("fine").kind === "statuses" ? (statuses("fine") as never as StatusReport).statuses : [],
      },
    ]);
  });

  it("is sent again while there is no leader, every 200 ms, and the worker begins again when that takes long", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    await manager.pass(10);
    manager.failure = new OperationError("unavailable", "no leader");
    worker.up.push(statuses("first"));
    await manager.pass(250);
    manager.failure = undefined;
    assert.equal(manager.statuses.length, 0);
    await manager.pass(149);
    assert.equal(manager.statuses.length, 0, "not before the time for the next try");
    await manager.pass(2);
    assert.equal(manager.statuses.length, 1);
    manager.failure = new OperationError("unavailable", "no leader");
    worker.up.push(statuses("second"));
    await manager.pass(3_700);
    assert.equal(worker.end, undefined);
    await manager.pass(200);
    assert.equal(worker.end, "unavailable: the leader could not be told");
    assert.equal(manager.warnings.filter(each => each.includes("did not reach the leader")).length, 1);
  });

  it("ends the session at once when it is wrong", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    await manager.pass(10);
    manager.failure = new OperationError("invalid", "no such thing");
    worker.up.push(statuses("wrong"));
    await manager.pass(10);
    assert.equal(worker.end, "unavailable: the leader could not be told");
    manager.failure = undefined;
    const other = manager.open("w2");
    other.up.push({ kind: "hello", description: { ...DESCRIPTION, hostname: "h".repeat(300_000) }, address: "" });
    await manager.pass(10);
    assert.match(String(other.end), /description has more than/);
    assert.equal(manager.nodes.length, 0);
  });

  it("is cut where it is long", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    const status = { state: "failed", atMs: 1, message: "m", error: "e".repeat(8_193) } as const;
    const long = { state: "failed", atMs: 1, message: "m".repeat(8_193) } as const;
    const short = { state: "failed", atMs: 1, message: "m".repeat(8_192), error: "e".repeat(8_192) } as const;
    const report = [status, long, short].map((each, at) => ({ taskId: asId<never>(`t${at}`), status: each }));
    worker.up.push({ kind: "statuses", statuses: report });
    await manager.pass(10);
    const [sent] = manager.statuses;
    assert.deepEqual(
      sent?.statuses.map(each => [each.status.message.length, each.status.error?.length]),
      [
        [1, 8_192],
        [8_192, undefined],
        [8_192, 8_192],
      ],
    );
    assert.equal(sent?.statuses[2]?.status, short);
  });
});

describe("what a manager tells the leader of its sessions", () => {
  it("is their age and silence, every half second, and sooner when one was opened", async () => {
    await using manager = new Manager();
    await manager.pass(500);
    const worker = manager.open("w1");
    await manager.pass(60);
    worker.up.push({ kind: "beat" });
    await manager.pass(1_050);
    assert.deepEqual(
      manager.sessions.map(({ atMs, sessions }) => [
        atMs,
        ...sessions.map(({ nodeId, sessionId, ageMs, silenceMs }) => [nodeId, sessionId, ageMs, silenceMs]),
      ]),
      [[500], [550, ["w1", "session1", 50, 50]], [1_050, ["w1", "session1", 550, 490]], [1_550, ["w1", "session1", 1_050, 990]]],
    );
    assert.ok(manager.sessions.every(({ managerId, formatLevel }) => managerId === "m1" && formatLevel === FORMAT_LEVEL));
  });

  it("ends them all when no leader hears it for 4 s, and lets none begin until one does", async () => {
    await using manager = new Manager();
    const worker = manager.open("w1");
    await manager.pass(1_040);
    const heardAtMs = manager.sessions.at(-1)?.atMs ?? assert.fail();
    manager.hasLeader = false;
    await manager.pass(heardAtMs + 4_000 - manager.time.nowMs);
    assert.equal(worker.end, undefined);
    const last = manager.open("w2");
    await manager.pass(1);
    assert.equal(last.end, undefined);
    await manager.pass(600);
    assert.deepEqual([worker.end, last.end], ["unavailable: this manager has no leader", undefined]);
    await manager.pass(2_000);
    assert.equal(last.end, "unavailable: this manager has no leader");
    const late = manager.open("w1");
    await manager.pass(2_450);
    assert.deepEqual([late.end, late.down], [undefined, []]);
    await manager.pass(100);
    assert.equal(late.end, "unavailable: this manager has no leader");
    manager.hasLeader = true;
    await manager.pass(600);
    const back = manager.open("w1");
    await manager.pass(100);
    assert.equal(back.end, undefined);
  });

  it("sends workers away a few at a time, and no more once a leader hears it", async () => {
    await using manager = new Manager();
    const workers = Array.from({ length: 600 }, (_, at) => {
      manager.putNode(`n${at}`);
      return manager.open(`n${at}`);
    });
    await manager.pass(1_040);
    const heardAtMs = manager.sessions.at(-1)?.atMs ?? assert.fail();
    manager.hasLeader = false;
    await manager.pass(heardAtMs + 4_001 - manager.time.nowMs);
    const sentAway = (): number => workers.filter(({ end }) => end !== undefined).length;
    while (sentAway() === 0) await manager.pass(10);
    assert.equal(sentAway(), 32);
    await manager.pass(50);
    assert.equal(sentAway(), 64);
    manager.hasLeader = true;
    await manager.pass(3_000);
    assert.ok(sentAway() >= 64 && sentAway() <= 64 + 32 * 11, `${sentAway()} were sent away`); // The next report is 500 ms away at most.
  });
});

describe("workers that come while there is no leader", () => {
  it("wait, and begin as soon as there is one, for which one asks for all", async () => {
    await using manager = new Manager();
    await manager.pass(600);
    manager.hasLeader = false;
    const workers = Array.from({ length: 50 }, (_, at) => {
      manager.putNode(`n${at}`);
      return manager.open(`n${at}`);
    });
    await manager.pass(1);
    assert.equal(manager.barriers, 50, "each has asked once");
    await manager.pass(1_500);
    assert.ok(manager.barriers <= 50 + 15, `${manager.barriers} questions`);
    assert.ok(workers.every(({ down, end }) => down.length === 0 && end === undefined));
    manager.hasLeader = true;
    await manager.pass(110);
    assert.ok(workers.every(({ down }) => down[0]?.kind === "welcome"));
  });

  it("ask nothing more when they are gone", async () => {
    await using manager = new Manager();
    await manager.pass(600);
    manager.hasLeader = false;
    const worker = manager.open("w1");
    await manager.pass(200);
    worker.stop.abort(new Error("gone"));
    await manager.pass(100);
    assert.match(worker.end ?? "", /gone/);
    const { barriers } = manager;
    await manager.pass(1_000);
    assert.equal(manager.barriers, barriers);
  });

  it("are turned away when the node was removed meanwhile", async () => {
    await using manager = new Manager();
    await manager.pass(600);
    manager.hasLeader = false;
    const worker = manager.open("w1");
    await manager.pass(200);
    manager.apply([
      { kind: "remove", table: "node", id: asId("w1"), basedOn: manager.store.view().get("node", asId("w1"))?.version ?? 0 },
    ]);
    manager.hasLeader = true;
    await manager.pass(200);
    assert.equal(worker.end, "not-found: node w1 not found");
  });
});

describe("what a node says of itself", () => {
  it("is not brought to the leader when it is in the state already, and is again once something else was said", async () => {
    await using manager = new Manager();
    const { status } = manager.store.view().get("node", asId("w1")) ?? assert.fail();
    manager.putNode("w1", { description: DESCRIPTION, status: { ...status, address: "192.0.2.1" } });
    const worker = manager.open("w1", { remoteAddress: "192.0.2.1" });
    const hello = (hostname: string): SessionUp => ({ kind: "hello", description: { ...DESCRIPTION, hostname }, address: "" });
    const said = (): readonly string[] => manager.nodes.map(({ description, address }) => `${description.hostname} ${address}`);
    worker.up.push(hello(DESCRIPTION.hostname));
    await manager.pass(10);
    assert.deepEqual(said(), []);
    worker.up.push(hello("other"));
    await manager.pass(10);
    // The state has not got "other" yet: what is said now has to come after it.
    worker.up.push(hello(DESCRIPTION.hostname));
    await manager.pass(10);
    assert.deepEqual(said(), ["other 192.0.2.1", `${DESCRIPTION.hostname} 192.0.2.1`]);
    const moved = manager.open("w1", { remoteAddress: "192.0.2.2" });
    moved.up.push(hello(DESCRIPTION.hostname));
    await manager.pass(10);
    assert.equal(said().at(-1), `${DESCRIPTION.hostname} 192.0.2.2`);
  });
});

describe("a dispatcher that cannot read the state", () => {
  it("ends, and tells the leader nothing more", async () => {
    const time = new VirtualTime();
    let reports = 0;
    const store = {
      view: () => new Store().view(),
      watch: () => {
        throw new Error("the state is broken");
      },
    };
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const dispatcher = new Dispatcher({
      ...{ store, log, clock: simulatedClock(time), managerId: asId("m1"), beatPeriodMs: 1_000, newSessionId: () => asId("s") },
      readBarrier: async () => {},
      leader: {
        writeStatuses: async () => {},
        describeNode: async () => {},
        reportSessions: async () => {
          reports++;
          return { fenced: [] };
        },
      },
    });
    await assert.rejects(dispatcher.run({ signal: new AbortController().signal }), /broken/);
    await time.runUntil(2_000);
    assert.equal(reports, 0);
  });
});
