import assert from "node:assert/strict";
import { entryBytes } from "../../../src/codec/entry.ts";
import { AddressBook } from "../../../src/manager/allocator/address-book.ts";
import { LoopMemory } from "../../../src/manager/control-loop-memory.ts";
import { ServicePlanner } from "../../../src/manager/orchestrator/service-plan.ts";
import type { ServiceTasks } from "../../../src/manager/orchestrator/service-tasks.ts";
import type { Change, TableName } from "../../../src/manager/store/change.ts";
import type { Snapshot } from "../../../src/manager/store/snapshot.ts";
import { Store } from "../../../src/manager/store/store.ts";
import type { Network, Node, Service, Task } from "../../../src/model/cluster.ts";
import { asId } from "../../../src/model/ids.ts";
import type { TaskId } from "../../../src/model/ids.ts";
import { TASK_STATES } from "../../../src/model/task-state.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { aNode } from "../scheduler/fixtures.ts";
import { aNetwork } from "./store/objects.ts";

const NEW = { version: 0, createdAtMs: 0, updatedAtMs: 0 };
const NODES = ["n1", "n2", "n3"];
const SECOND_MS = 1_000;
const NETWORK: Network = {
  ...aNetwork("ingress"),
  vxlanId: 4_096,
  ipam: [{ subnet: "10.0.0.0/16", gateway: "10.0.0.1" }],
  spec: { ...aNetwork("ingress").spec, isIngress: true },
};
const STEPS = 400;
const template: Service["spec"]["task"] = { container: { image: "a", labels: {} }, networks: [], forceUpdate: 0 };

/** A service whose tasks and nodes change at random, and the loop's memory, kept up entry by entry. */
class World {
  readonly store = new Store();
  readonly random: SeededRandom;
  #touched = new Map<TableName, Set<string>>();
  #index = 0;
  #nextId = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const listener = {
      touched: ({ ids }: { readonly ids: ReadonlyMap<TableName, ReadonlySet<string>> }) => {
        for (const [table, touched] of ids) this.#touched.set(table, new Set([...(this.#touched.get(table) ?? []), ...touched]));
      },
      replaced: () => {},
    };
    this.store.listen(listener, { signal: new AbortController().signal });
    this.apply([{ kind: "put", table: "network", object: NETWORK, basedOn: 0 }]);
    this.apply(NODES.map(id => ({ kind: "put", table: "node", object: { ...aNode({ id }), version: 0 }, basedOn: 0 })));
    this.setRevision("r1");
  }

  apply(changes: readonly Change[]): void {
    const data = entryBytes.encode({ changes, reliesOn: [], atMs: this.#index });
    assert.equal(this.store.apply({ index: ++this.#index, term: 1, data }).kind, "applied");
  }

  /** A second passes with each entry. */
  get nowMs(): number {
    return this.#index * SECOND_MS;
  }

  takeTouched(): ReadonlyMap<TableName, ReadonlySet<string>> {
    const touched = this.#touched;
    this.#touched = new Map();
    return touched;
  }

  setRevision(name: string): void {
    const [id, revisionId] = [asId<Service["id"]>("web"), asId<Service["revisionId"]>(name)];
    const known = this.store.view().get("service", id);
    const spec: Service["spec"] = { name: "web", labels: {}, task: template, mode: { kind: "replicated", replicas: 3 } };
    const isRemoving = known !== undefined && this.random.chance(0.2);
    const fresh: Service = {
      ...NEW,
      id,
      spec,
      revisionId,
      endpoint: { ports: [], virtualIps: [] },
      isRemoving,
      isRollingBack: false,
    };
    const changes: Change[] = [
      { kind: "put", table: "service", object: { ...(known ?? fresh), revisionId, isRemoving }, basedOn: known?.version ?? 0 },
    ];
    if (this.store.view().get("revision", revisionId) === undefined) {
      const endpoint = { mode: "vip", ports: [] } as const;
      changes.push({
        kind: "put",
        table: "revision",
        object: { ...NEW, id: revisionId, serviceId: id, task: template, endpoint },
        basedOn: 0,
      });
    }
    this.apply(changes);
  }

  step(): void {
    const tasks = [...this.store.view().all("task")];
    const task = this.random.pick(tasks);
    const dice = this.random.below(20);
    if (dice === 0) this.setRevision(this.random.pick(["r1", "r2"]) ?? "r1");
    else if (dice <= 2) this.#changeNode();
    else if (dice <= 7 || task === undefined) this.#putTask({ id: asId(`t${this.#nextId++}`), slot: 1 + this.random.below(6) });
    else if (dice <= 9) this.apply([{ kind: "remove", table: "task", id: task.id, basedOn: task.version }]);
    else this.#putTask(task);
  }

  #changeNode(): void {
    const known = this.store.view().get("node", asId(this.random.pick(NODES) ?? ""));
    assert.ok(known);
    const state = this.random.pick(["ready", "down"] as const) ?? "ready";
    const availability = this.random.pick(["active", "drain"] as const) ?? "active";
    const { ingressAddress: _, ...rest } = known;
    const ingressAddress = `10.0.1.${NODES.indexOf(known.id) + 1}/16`;
    const object: Node = {
      ...rest,
      ...(this.random.chance(0.5) && { ingressAddress }),
      status: { ...known.status, state },
      spec: { ...known.spec, availability },
    };
    this.apply([{ kind: "put", table: "node", object, basedOn: known.version }]);
  }

  #putTask(known: Partial<Task> & Pick<Task, "id" | "slot">): void {
    const state = this.random.pick(TASK_STATES) ?? "new";
    const desiredState = this.random.pick(["ready", "running", "shutdown", "remove"] as const) ?? "running";
    const nodeId = state === "new" ? undefined : asId<Node["id"]>(this.random.pick(NODES) ?? "");
    const object: Task = {
      ...{
        ...NEW,
        networks: [],
        hostPorts: [],
        serviceId: asId("web"),
        revisionId: asId(this.random.pick(["r1", "r2"]) ?? "r1"),
      },
      ...known,
      // Its own: only one may have an address.
      networks: this.random.chance(0.7)
        ? [{ networkId: NETWORK.id, addresses: [`10.0.0.${Number(known.id.slice(1)) + 2}/16`], aliases: [] }]
        : [],
      ...{
        desiredState,
        status: {
          state,
          atMs: this.#index * SECOND_MS,
          message: "",
          ...(this.random.chance(0.5) && { error: "no suitable node" }),
        },
      },
      ...(nodeId !== undefined && { nodeId }),
    };
    this.apply([{ kind: "put", table: "task", object, basedOn: known.version ?? 0 }]);
  }
}

const pause = async (): Promise<void> => {};

/** Who has the first hundred addresses of the network, and which are given out next. */
function addressesIn(view: Snapshot, options: ConstructorParameters<typeof AddressBook>[1]): unknown {
  const book = new AddressBook(view, options);
  const holders = Array.from({ length: 100 }, (_, at) => `10.0.${at % 2}.${at >> 1}`).map(each => book.holderOf(NETWORK, each));
  const wanted = ["10.0.0.5", "10.0.1.2", "10.0.7.7"].map(each => book.take(NETWORK, { wanted: each }));
  return { holders, wanted, given: Array.from({ length: 40 }, () => book.take(NETWORK)) };
}

const DAY_NS = 24 * 3_600e9;
const CONFIG = { parallelism: 1, delayNs: DAY_NS, failureAction: "pause", maxFailureRatio: 0, order: "stop-first" } as const;

/** Of an update to the service's revision. What is told of in the first half of the steps has been watched for long enough. */
function progressIn(view: Snapshot, tasks: ServiceTasks, isPlanned = false): unknown {
  const service = view.get("service", asId("web"));
  const revision = service && view.get("revision", service.revisionId);
  assert.ok(service && revision);
  const context = { nowMs: 5_000 + STEPS / 2, newTaskId: () => asId<TaskId>(""), budget: 0 };
  const planner = new ServicePlanner(view, { service, revision, ...context });
  const planned = isPlanned ? [...tasks.instances.keys()].map(key => [key, undefined] as const) : [];
  const counting = { revisionId: service.revisionId, startedAtMs: 0, specChangedAfter: -1, config: CONFIG };
  const progress = tasks.progressOf(counting, planned);
  assert.ok(progress);
  const { outdatedCount, failure } = progress;
  const busy = progress.busyCount(planner);
  return { outdatedCount, failure, busy, isSettled: progress.isSettled(planner), waiting: [...progress.waiting()] };
}

describe("LoopMemory", () => {
  it("lets other work go every thousand nodes while it reads them", async () => {
    const world = new World(1);
    const many = Array.from({ length: 2_500 }, (_, at) => ({ ...aNode({ id: `many${at}` }), version: 0 }));
    world.apply(many.map(object => ({ kind: "put", table: "node", object, basedOn: 0 })));
    let pauses = 0;
    await LoopMemory.read(world.store.view(), { pause: async () => void pauses++ });
    assert.equal(pauses, 2);
  });

  for (let seed = 1; seed <= 10; seed++) {
    it(`kept up with every entry it is as if read anew, and settles nothing that would be looked at, seed ${seed}`, async () => {
      const world = new World(seed);
      const kept = await LoopMemory.read(world.store.view(), { pause });
      world.takeTouched();
      for (let step = 0; step < STEPS; step++) {
        world.step();
        if (world.random.chance(0.5)) continue; // Several entries may come between two turns.
        const view = world.store.view();
        kept.refresh(view, world.takeTouched());
        const service = view.get("service", asId("web"));
        assert.ok(service);
        const [one, other] = [kept, await LoopMemory.read(view, { pause })].map(memory => memory.ofService(service));
        assert.ok(one && other);
        one.keepUpWith(service);
        assert.ok(one.review() && other.review(), "there are few");
        assert.deepEqual(new Map(one.instances), new Map(other.instances));
        assert.deepEqual([...one.open()].map(({ id }) => id).toSorted(), [...other.open()].map(({ id }) => id).toSorted());
        for (const key of other.restless) assert.ok(one.restless.has(key), `instance ${key} is settled at step ${step}`);
        // As a turn does it: what it finds to be settled it leaves out from then on.
        for (const key of one.restless) if (!other.restless.has(key)) one.settle(key);
        assert.equal(one.freeSlots().next().value, other.freeSlots().next().value);
        assert.equal(one.isOutdated(service), other.isOutdated(service));
        assert.deepEqual(progressIn(view, one), progressIn(view, other), `the update's progress at step ${step}`);
        const nowMs = world.nowMs;
        const [known, read] = [{ nowMs, index: kept.addresses }, { nowMs }].map(options => addressesIn(view, options));
        assert.deepEqual(known, read, `addresses at step ${step}`);
        // What a turn plans may come to nothing.
        if (world.random.chance(0.2)) progressIn(view, one, true);
      }
    });
  }
});
