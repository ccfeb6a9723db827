import assert from "node:assert/strict";
import { NO_SERVICE } from "../../../src/manager/attachments.ts";
import { LoopMemory } from "../../../src/manager/control-loop-memory.ts";
import { planTurn } from "../../../src/manager/control-loop-turn.ts";
import type { Turn, TurnOptions } from "../../../src/manager/control-loop-turn.ts";
import type { Change, TableName } from "../../../src/manager/store/change.ts";
import type { Snapshot } from "../../../src/manager/store/snapshot.ts";
import { Store } from "../../../src/manager/store/store.ts";
import type { Service, ServiceSpec, Task } from "../../../src/model/cluster.ts";
import { asId } from "../../../src/model/ids.ts";
import { aNode } from "../scheduler/fixtures.ts";
import { aNetwork, aService, aTask } from "./store/objects.ts";

const NOW = 1_000_000;
const pause = async (): Promise<void> => {};
const put = (table: TableName, object: { readonly id: string; readonly version: number }): Change =>
  ({ kind: "put", table, object, basedOn: object.version }) as never;

function aReplicated(name: string, replicas: number, more: Partial<Service> = {}): readonly Change[] {
  const plain = aService(name);
  const mode: ServiceSpec["mode"] = { kind: "replicated", replicas };
  const service: Service = { ...plain, version: 3, spec: { ...plain.spec, mode }, ...more };
  return [put("service", service), put("revision", aRevision(name))];
}

function aRevision(name: string, id = `${name}-rev`) {
  const { id: serviceId, spec } = aService(name);
  return { id, version: 1, createdAtMs: 0, updatedAtMs: 0, serviceId, task: spec.task, endpoint: { mode: "vip", ports: [] } };
}

const nodes = (...ids: readonly string[]): readonly Change[] => ids.map(id => put("node", { ...aNode({ id }), version: 5 }));

function aTaskOf(name: string, id: string, more: Partial<Task> = {}): Change {
  return put("task", aTask(id, { version: 4, serviceId: asId(`${name}-id`), revisionId: asId(`${name}-rev`), slot: 1, ...more }));
}

const pending = { state: "pending", atMs: 0, message: "" } as const;
const explained = { ...pending, error: "no suitable node" };

async function turnOn(
  changes: readonly Change[],
  options: Partial<TurnOptions> = {},
): Promise<Turn & { readonly view: Snapshot }> {
  const view = new Store().view().with(changes);
  const memory = await LoopMemory.read(view, { pause });
  let made = 0;
  const turn = planTurn(view, {
    ...{ nowMs: NOW, newTaskId: () => asId(`new${++made}`), memory, changesMax: 100 },
    ...{ sweepsRevisions: false, looksAtNodes: false, services: [...view.all("service")].map(({ id }) => id) },
    ...options,
  });
  return { ...turn, view };
}

const idsOf = (changes: readonly Change[]): readonly string[] =>
  changes.map(
    change => `${change.kind === "remove" ? "-" : ""}${change.table} ${change.kind === "put" ? change.object.id : change.id}`,
  );
const lookedAt = ({ looked }: Turn): unknown => Object.fromEntries(looked);

describe("a turn of the control loop", () => {
  it("makes tasks and places them, and holds for the service and the nodes as they were", async () => {
    const turn = await turnOn([...aReplicated("web", 2), ...nodes("n1", "n2")]);
    assert.deepEqual(
      turn.changes.map(
        change =>
          change.kind === "put" && change.table === "task" && [change.object.nodeId, change.object.status.state, change.basedOn],
      ),
      [
        ["n1", "assigned", 0],
        ["n2", "assigned", 0],
      ],
    );
    assert.deepEqual(turn.reliesOn, [
      { table: "service", id: "web-id", version: 3 },
      { table: "node", id: "n1", version: 5 },
      { table: "node", id: "n2", version: 5 },
    ]);
    assert.deepEqual(lookedAt(turn), { "web-id": { wakeAtMs: Infinity, isWaiting: false } });
  });

  it("says of tasks that fit nowhere why, once, and that they wait", async () => {
    const turn = await turnOn([...aReplicated("web", 1)]);
    const [change] = turn.changes;
    assert.ok(change?.kind === "put" && change.table === "task");
    assert.deepEqual(change.object.status, {
      state: "pending",
      atMs: NOW,
      message: "pending task scheduling",
      error: "no suitable node",
    });
    assert.deepEqual(lookedAt(turn), { "web-id": { wakeAtMs: Infinity, isWaiting: true } });
    const again = await turnOn([...aReplicated("web", 1), aTaskOf("web", "t1", { status: explained })]);
    assert.deepEqual([again.changes, lookedAt(again)], [[], { "web-id": { wakeAtMs: Infinity, isWaiting: true } }]);
  });

  it("relies on nothing that it changes itself, and not on services whose tasks it leaves alone", async () => {
    const ended = { status: { state: "failed", atMs: 0, message: "" }, nodeId: asId<NonNullable<Task["nodeId"]>>("n1") } as const;
    const quiet = [
      ...aReplicated("quiet", 1),
      aTaskOf("quiet", "q1", { nodeId: asId("n1"), status: { ...pending, state: "running" } }),
    ];
    const turn = await turnOn([...aReplicated("web", 1), aTaskOf("web", "t1", ended), ...quiet, ...nodes("n1")]);
    assert.deepEqual(turn.reliesOn, [
      { table: "service", id: "web-id", version: 3 },
      { table: "node", id: "n1", version: 5 },
    ]);
    const updating = await turnOn([
      ...aReplicated("web", 1),
      put("revision", aRevision("web", "old")),
      aTaskOf("web", "t1", { revisionId: asId("old"), nodeId: asId("n1"), status: { ...pending, state: "running" } }),
      ...nodes("n1"),
    ]);
    assert.ok(idsOf(updating.changes).includes("service web-id"));
    assert.deepEqual(updating.reliesOn, [{ table: "node", id: "n1", version: 5 }]);
  });

  it("is bounded, and comes back to services that it has not finished with", async () => {
    const turn = await turnOn([...aReplicated("a", 2), ...aReplicated("b", 5), ...nodes("n1")], { changesMax: 4 });
    assert.equal(turn.changes.length, 4);
    assert.deepEqual([lookedAt(turn), turn.begun], [{ "a-id": { wakeAtMs: Infinity, isWaiting: false } }, ["b-id"]]);
    const full = await turnOn([...aReplicated("a", 4), ...aReplicated("b", 5), ...nodes("n1")], { changesMax: 4 });
    assert.deepEqual([full.changes.length, Object.keys(lookedAt(full) as object), full.begun], [4, ["a-id"], []]);
  });

  it("counts what it does beside making tasks", async () => {
    const ended = { nodeId: asId<NonNullable<Task["nodeId"]>>("n1"), status: { state: "failed", atMs: 0, message: "" } } as const;
    const turn = await turnOn([...aReplicated("a", 1), aTaskOf("a", "t1", ended), ...aReplicated("b", 5), ...nodes("n1")], {
      changesMax: 4,
    });
    assert.equal(turn.changes.length, 4);
    assert.deepEqual(lookedAt(turn), { "a-id": { wakeAtMs: NOW + 5_000, isWaiting: false } });
  });

  it("looks at as many waiting tasks as it may change", async () => {
    const waiting = ["t1", "t2", "t3"].map((id, at) => aTaskOf("web", id, { slot: at + 1, status: explained }));
    const some = await turnOn([...aReplicated("web", 3), ...waiting], { changesMax: 2 });
    assert.deepEqual([some.changes, lookedAt(some)], [[], { "web-id": { wakeAtMs: Infinity, isWaiting: true } }]);
    const placed = await turnOn([...aReplicated("web", 3), ...waiting, ...nodes("n1")], { changesMax: 2 });
    assert.deepEqual([placed.changes.length, lookedAt(placed)], [2, { "web-id": { wakeAtMs: Infinity, isWaiting: true } }]);
    const fresh = ["t1", "t2", "t3"].map((id, at) => aTaskOf("web", id, { slot: at + 1, status: pending }));
    const partial = await turnOn([...aReplicated("web", 3), ...fresh, ...nodes("n1")], { changesMax: 2 });
    assert.deepEqual([partial.changes.length, lookedAt(partial)], [2, {}]);
    const whole = await turnOn([...aReplicated("web", 3), ...fresh, ...nodes("n1")], { changesMax: 3 });
    assert.deepEqual([whole.changes.length, lookedAt(whole)], [3, { "web-id": { wakeAtMs: Infinity, isWaiting: false } }]);
  });

  it("looks at few services when there are many nodes", async () => {
    const many = Array.from({ length: 20_001 }, (_, at) => `n${at}`);
    const services = ["a", "b"].flatMap(name => aReplicated(name, 1));
    const turn = await turnOn([...services, ...nodes(...many)]);
    assert.deepEqual(Object.keys(lookedAt(turn) as object), ["a-id"]);
  });

  const ended = { nodeId: asId<NonNullable<Task["nodeId"]>>("n1"), status: { state: "failed", atMs: 0, message: "" } } as const;

  it("gives nodes their numbers as far as there is room", async () => {
    const changes = [...aReplicated("web", 1), aTaskOf("web", "t1", ended), ...nodes("n1", "n2", "n3")];
    const turn = await turnOn(changes, { looksAtNodes: true, changesMax: 3 });
    assert.deepEqual(idsOf(turn.changes), ["task t1", "node n1", "node n2", "task new1"]);
    assert.deepEqual(idsOf((await turnOn([...nodes("n1", "n2")])).changes), []);
  });

  it("sweeps revisions when no task is to be stopped", async () => {
    const old = ["o1", "o2"].map(id => put("revision", aRevision("web", id)));
    const idle = [...aReplicated("web", 0), ...old];
    assert.deepEqual(idsOf((await turnOn(idle, { sweepsRevisions: true })).changes), ["-revision o1", "-revision o2"]);
    assert.deepEqual(idsOf((await turnOn(idle, { sweepsRevisions: true, changesMax: 1 })).changes), ["-revision o1"]);
    assert.deepEqual(idsOf((await turnOn(idle)).changes), []);
    const busy = [...aReplicated("web", 1), ...old, aTaskOf("web", "t1", ended), ...nodes("n1")];
    assert.deepEqual(idsOf((await turnOn(busy, { sweepsRevisions: true })).changes), ["task t1", "task new1"]);
  });

  it("makes networks before what is to be on them", async () => {
    const turn = await turnOn([put("network", aNetwork("net"))]);
    assert.deepEqual(idsOf(turn.changes), ["network net-id"]);
  });

  it("gives a service on a network its address with its tasks", async () => {
    const network = { ...aNetwork("net"), vxlanId: 4_096, ipam: [{ subnet: "10.0.1.0/24", gateway: "10.0.1.1" }] };
    const plain = aService("web", {}, { networks: ["net"] });
    const service = { ...plain, version: 3 };
    const revision = { ...aRevision("web"), task: plain.spec.task };
    const turn = await turnOn([put("network", network), put("service", service), put("revision", revision), ...nodes("n1")]);
    const [made, changed] = ["task", "service"].map(table => turn.changes.find(change => change.table === table));
    assert.ok(changed?.kind === "put" && changed.table === "service" && made?.kind === "put" && made.table === "task");
    assert.deepEqual(changed.object.endpoint.virtualIps, [{ networkId: "net-id", address: "10.0.1.2/24" }]);
    assert.deepEqual(made.object.networks, [{ networkId: "net-id", addresses: ["10.0.1.3/24"], aliases: [] }]);
    assert.deepEqual(turn.reliesOn, [{ table: "node", id: "n1", version: 5 }]);
  });

  it("comes back to containers made by hand that it has not finished with", async () => {
    const network = { ...aNetwork("net"), vxlanId: 4_096, ipam: [{ subnet: "10.0.1.0/24", gateway: "10.0.1.1" }] };
    const networks = [{ networkId: network.id, addresses: [], aliases: [] }];
    const attachment = { containerId: "c", containerName: "n", wantedAddresses: [] };
    const byHand = ["c1", "c2", "c3"].map(id =>
      put("task", aTask(id, { serviceId: NO_SERVICE, nodeId: asId("n1"), networks, attachment })),
    );
    const world = [...aReplicated("web", 0), put("network", network), ...nodes("n1"), ...byHand];
    const services = [NO_SERVICE, asId<Service["id"]>("web-id")];
    const part = await turnOn(world, { services, changesMax: 2 });
    assert.deepEqual(
      [idsOf(part.changes), lookedAt(part)],
      [["task c1", "task c2"], { "web-id": { wakeAtMs: Infinity, isWaiting: false } }],
    );
    const whole = await turnOn(world, { services });
    assert.deepEqual(Object.keys(lookedAt(whole) as object), ["", "web-id"]);
  });

  it("begins with other tasks where it could not place some the last time", async () => {
    const waiting = ["t1", "t2", "t3"].map((id, at) => aTaskOf("web", id, { slot: at + 1, status: explained }));
    const view = new Store().view().with([...aReplicated("web", 3), ...waiting]);
    const memory = await LoopMemory.read(view, { pause });
    const service = view.get("service", asId("web-id")) ?? assert.fail();
    const order = (): readonly string[] => [...memory.ofService(service).open()].map(({ id }) => id);
    assert.deepEqual(order(), ["t1", "t2", "t3"]);
    await turnOn([...aReplicated("web", 3), ...waiting], { memory, changesMax: 2 });
    assert.deepEqual(order(), ["t3", "t1", "t2"]);
  });

  it("does nothing for a service that is gone or goes", async () => {
    const turn = await turnOn([], { services: [asId("gone")] });
    assert.deepEqual([turn.changes, lookedAt(turn)], [[], { gone: { wakeAtMs: Infinity, isWaiting: false } }]);
    const going = await turnOn([
      ...aReplicated("web", 1, { isRemoving: true }),
      aTaskOf("web", "t1", { nodeId: asId("n1"), status: { ...pending, state: "running" } }),
      ...nodes("n1"),
    ]);
    assert.deepEqual(idsOf(going.changes), ["task t1"]);
  });
});
