import assert from "node:assert/strict";
import { asId } from "../../../../src/model/ids.ts";
import { Dispatcher } from "../../../../src/manager/dispatcher/dispatcher.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { WATCH_CHANGES_MAX } from "../../../../src/manager/store/watchers.ts";
import { simulatedClock, VirtualTime } from "../../../sim/virtual-time.ts";
import { aSecret, aService, aTask } from "../store/objects.ts";
import { type Held, Manager, Uplink, kinds, news } from "./a-manager.ts";

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
