import assert from "node:assert/strict";
import { runControlLoop } from "../../../src/manager/control-loop.ts";
import type { ApplyResult, Change, Entry } from "../../../src/manager/store/change.ts";
import { Store } from "../../../src/manager/store/store.ts";
import { entryBytes } from "../../../src/codec/entry.ts";
import { OperationError } from "../../../src/lib/errors.ts";
import type { Service } from "../../../src/model/cluster.ts";
import { asId } from "../../../src/model/ids.ts";
import { settle, simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";
import { aNode } from "../scheduler/fixtures.ts";
import { aService } from "./store/objects.ts";

const STALE = { kind: "refused", reason: "stale", message: "update out of sequence" } as const;
const CONFLICT = { kind: "refused", reason: "conflict", message: "an address is taken" } as const;
const OVER = { kind: "refused", reason: "term", message: "another term" } as const;

/** A leader's loop whose proposals are answered as a test says, and applied when it says nothing. */
class Leader {
  readonly store = new Store();
  readonly time = new VirtualTime();
  readonly stop = new AbortController();
  /** How many changes each had, and when it was proposed, in ms. */
  readonly proposed: { readonly size: number; readonly atMs: number; readonly entry: Omit<Entry, "atMs"> }[] = [];
  readonly warnings: string[] = [];
  answers: (ApplyResult | Error)[] = [];
  ended: Promise<string>;
  #made = 0;

  /** @param taskMs - How long it takes to plan a task. */
  constructor(changes: readonly Change[], { taskMs = 0 }: { readonly taskMs?: number } = {}) {
    this.apply({ changes, reliesOn: [] });
    const clock = simulatedClock(this.time);
    this.ended = runControlLoop({
      store: this.store,
      clock: { ...clock, monotonicMs: () => clock.monotonicMs() + this.#made * taskMs },
      log: { debug: () => {}, info: () => {}, warn: (_, message) => void this.warnings.push(message), error: () => {} },
      newTaskId: () => asId(`task${++this.#made}`),
      term: 1,
      signal: this.stop.signal,
      propose: async entry => this.#propose(entry),
    }).then(
      () => "it returned",
      (error: unknown) => String(error),
    );
  }

  #propose(entry: Omit<Entry, "atMs">): ApplyResult {
    this.proposed.push({ size: entry.changes.length, atMs: this.time.nowMs, entry });
    const answer = this.answers.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? this.apply(entry);
  }

  apply(entry: Omit<Entry, "atMs">): ApplyResult {
    const data = entryBytes.encode({ ...entry, atMs: 1_700_000_000_000 + this.time.nowMs });
    return this.store.apply({ index: this.store.view().index + 1, term: 1, data });
  }

  get sizes(): readonly number[] {
    return this.proposed.map(({ size }) => size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort(new Error("the leader is done"));
    for (let round = 0; round < 3; round++) await settle();
    assert.match(await this.ended, /done|returned|wrong/);
  }
}

function aWorld(replicas: number): readonly Change[] {
  const plain = aService("web");
  const service: Service = { ...plain, spec: { ...plain.spec, mode: { kind: "replicated", replicas } } };
  const meta = { version: 0, createdAtMs: 0, updatedAtMs: 0 };
  const revision = {
    ...meta,
    id: service.revisionId,
    serviceId: service.id,
    task: service.spec.task,
    endpoint: { mode: "vip", ports: [] },
  } as const;
  // It has its number already: nothing is to be done for it.
  const node = { ...aNode({ id: "n1" }), version: 0, ingressNumber: 1 };
  return [
    { kind: "put", table: "node", object: node, basedOn: 0 },
    { kind: "put", table: "revision", object: revision, basedOn: 0 },
    { kind: "put", table: "service", object: service, basedOn: 0 },
  ];
}

describe("the control loop", () => {
  it("makes what is wanted, in entries of its term that others' messages can get past, and rests", async () => {
    await using leader = new Leader(aWorld(1_100));
    await leader.time.runUntil(1_000);
    assert.deepEqual(leader.sizes, [100, 200, 400, 400]);
    assert.ok(leader.proposed.every(({ entry }) => entry.term === 1));
    await leader.time.runUntil(600_000);
    assert.equal(leader.proposed.length, 4);
  });

  for (const { taskMs, sizes } of [
    { taskMs: 0.04, sizes: [100, 200, 400, 500, 500, 300] },
    { taskMs: 0.1, sizes: [100, 200, ...Array<number>(8).fill(200), 100] },
    { taskMs: 1, sizes: Array<number>(20).fill(100) },
  ]) {
    it(`plans no more at a time than takes 20 ms, where a task takes ${taskMs} ms, but at least 100`, async () => {
      await using leader = new Leader(aWorld(2_000), { taskMs });
      await leader.time.runUntil(1_000);
      assert.deepEqual(leader.sizes, sizes);
    });
  }

  it("plans smaller turns when it is overtaken, down to a bound, and larger ones when that goes well", async () => {
    await using leader = new Leader(aWorld(1_100));
    leader.answers = Array.from({ length: 6 }, () => STALE);
    await leader.time.runUntil(1_000);
    assert.deepEqual(leader.sizes, [100, 50, 25, 20, 20, 20, 20, 40, 80, 160, 320, 480]);
    assert.equal(leader.warnings.length, 0);
  });

  it("puts off for a second what is refused for a reason that it did not foresee", async () => {
    await using leader = new Leader(aWorld(1));
    leader.answers = [CONFLICT];
    await leader.time.runUntil(999);
    assert.deepEqual([leader.proposed.length, leader.warnings], [1, ["a plan was refused"]]);
    await leader.time.runUntil(1_100);
    assert.deepEqual(
      leader.proposed.map(({ atMs }) => atMs),
      [0, 1_000],
    );
  });

  it("tries again soon when a plan could not be proposed", async () => {
    await using leader = new Leader(aWorld(1));
    leader.answers = [new OperationError("unavailable", "no majority")];
    await leader.time.runUntil(1_000);
    assert.deepEqual(
      leader.proposed.map(({ atMs }) => atMs),
      [0, 500],
    );
  });

  it("ends when another term has begun", async () => {
    await using leader = new Leader(aWorld(1));
    leader.answers = [OVER];
    await leader.time.runUntil(10);
    assert.equal(await leader.ended, "it returned");
  });

  it("ends with an error that it does not know", async () => {
    await using leader = new Leader(aWorld(1));
    leader.answers = [new Error("something is wrong")];
    await leader.time.runUntil(10);
    assert.match(await leader.ended, /something is wrong/);
  });

  it("takes out revisions once nothing needs them, and gives new nodes their numbers", async () => {
    await using leader = new Leader(aWorld(1));
    await leader.time.runUntil(10);
    const { revisionId: _, ...service } = leader.store.view().get("service", aService("web").id) ?? assert.fail();
    const [task] = leader.store.view().all("task");
    const revision = leader.store.view().get("revision", aService("web").revisionId);
    assert.ok(task !== undefined && revision !== undefined);
    const next = { ...revision, id: asId<typeof revision.id>("next"), version: 0 };
    const spec = { ...service.spec, mode: { kind: "replicated", replicas: 0 } } as const;
    leader.apply({
      reliesOn: [],
      changes: [
        { kind: "put", table: "revision", object: next, basedOn: 0 },
        { kind: "put", table: "service", object: { ...service, spec, revisionId: next.id }, basedOn: service.version },
        { kind: "remove", table: "task", id: task.id, basedOn: task.version },
        { kind: "put", table: "node", object: { ...aNode({ id: "n2" }), version: 0 }, basedOn: 0 },
      ],
    });
    await leader.time.runUntil(20);
    const view = leader.store.view();
    assert.deepEqual(
      [...view.all("revision")].map(({ id }) => id),
      ["next"],
    );
    assert.equal(view.get("node", asId("n2"))?.ingressNumber, 2);
  });

  it("takes out a revision also when it is a task alone that goes", async () => {
    await using leader = new Leader(aWorld(0));
    await leader.time.runUntil(10);
    const stray = { id: asId<never>("stray"), version: 0, createdAtMs: 0, updatedAtMs: 0, serviceId: asId<never>("web-id") };
    const template = { task: aService("web").spec.task, endpoint: { mode: "vip", ports: [] } } as const;
    const user = {
      revisionId: stray.id,
      slot: 1,
      desiredState: "shutdown",
      networks: [],
      hostPorts: [],
      nodeId: asId<never>("n1"),
    } as const;
    const status = { state: "running", atMs: 0, message: "" } as const;
    leader.apply({
      reliesOn: [],
      changes: [
        { kind: "put", table: "revision", object: { ...stray, ...template }, basedOn: 0 },
        { kind: "put", table: "task", object: { ...stray, ...user, status, id: asId<never>("user") }, basedOn: 0 },
      ],
    });
    await leader.time.runUntil(20);
    const { version } = leader.store.view().get("task", asId("user")) ?? assert.fail();
    assert.ok(leader.store.view().get("revision", stray.id));
    leader.apply({ reliesOn: [], changes: [{ kind: "remove", table: "task", id: asId("user"), basedOn: version }] });
    await leader.time.runUntil(30);
    assert.equal(leader.store.view().get("revision", stray.id), undefined);
  });
});
