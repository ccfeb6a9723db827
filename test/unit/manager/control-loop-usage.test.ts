import assert from "node:assert/strict";
import { NodeUsage } from "../../../src/manager/control-loop-usage.ts";
import type { Change, TableName } from "../../../src/manager/store/change.ts";
import type { Snapshot } from "../../../src/manager/store/snapshot.ts";
import { Store } from "../../../src/manager/store/store.ts";
import type { PortConfig, Task } from "../../../src/model/cluster.ts";
import { asId } from "../../../src/model/ids.ts";
import type { NodeId, ServiceId } from "../../../src/model/ids.ts";
import { isTerminal, isToRun, TASK_STATES } from "../../../src/model/task-state.ts";
import type { NodeView } from "../../../src/scheduler/node-view.ts";
import { place } from "../../../src/scheduler/place.ts";
import type { PlacementRequest } from "../../../src/scheduler/place.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { aNode, aRequest } from "../scheduler/fixtures.ts";
import { aService, aTask } from "./store/objects.ts";

const NODES = ["n1", "n2", "n3"];
const STEPS = 150;
const put = (table: TableName, object: { readonly id: string }): Change => ({ kind: "put", table, object, basedOn: 0 }) as never;

/** What revisions of these names reserve. */
const RESERVED = {
  plain: undefined,
  cpus: { nanoCpus: 1e9 },
  bytes: { memoryBytes: 2e9 },
  both: { nanoCpus: 5e8, memoryBytes: 5e8 },
};
const REVISIONS = Object.keys(RESERVED) as (keyof typeof RESERVED)[];

function aRevision(id: keyof typeof RESERVED): Change {
  const reservations = RESERVED[id];
  const task = { ...aService("web").spec.task, ...(reservations !== undefined && { resources: { reservations } }) };
  return put("revision", { id, serviceId: "s1", task } as never);
}

/** The nodes as the scheduler is to see them, counted from all tasks. */
function nodesOf(view: Snapshot): readonly NodeView[] {
  return [...view.all("node")].map(node => {
    const holds = ({ nodeId, status, attachment }: Task): boolean =>
      nodeId === node.id && attachment === undefined && !["new", "pending"].includes(status.state) && !isTerminal(status.state);
    const tasks = [...view.all("task")].filter(holds);
    const active = tasks.filter(task => isToRun(task.desiredState));
    const reserved = (kind: "nanoCpus" | "memoryBytes"): number =>
      tasks.reduce(
        (sum, { revisionId }) => sum + (view.get("revision", revisionId)?.task.resources?.reservations?.[kind] ?? 0),
        0,
      );
    const total = node.description?.resources ?? { nanoCpus: 0, memoryBytes: 0 };
    const tasksByService = new Map<ServiceId, number>();
    for (const { serviceId } of active) tasksByService.set(serviceId, (tasksByService.get(serviceId) ?? 0) + 1);
    const ports = tasks.flatMap(({ hostPorts }) => hostPorts.map(port => `${port.protocol}/${port.publishedPort}`));
    return {
      node,
      available: { nanoCpus: total.nanoCpus - reserved("nanoCpus"), memoryBytes: total.memoryBytes - reserved("memoryBytes") },
      taskCount: active.length,
      tasksByService,
      hostPorts: new Set(ports),
    };
  });
}

describe("what is in use on each node", () => {
  for (let seed = 1; seed <= 5; seed++)
    it(`kept up with every change it is as if counted anew, with what a turn has planned, seed ${seed}`, () => {
      const random = new SeededRandom(seed);
      const usage = new NodeUsage();
      let view: Snapshot = new Store().view().with([...REVISIONS.map(aRevision), ...NODES.map(id => put("node", aNode({ id })))]);
      for (const id of NODES) usage.noteNode(view, asId(id));
      for (let step = 0; step < STEPS; step++) {
        const change = random.chance(0.15) ? changedNode(random) : changedTask(random);
        view = view.with([change]);
        const id = idOf(change);
        if (change.table === "node") usage.noteNode(view, asId(id));
        else usage.put(view, { id: asId(id), task: view.get("task", asId(id)) });
        // One change a task, as a turn has them.
        const [first, second] = [changedTask(random), changedTask(random)];
        const changes = [put("service", aService("web")), first, ...(idOf(first) === idOf(second) ? [] : [second])].slice(
          random.below(3),
        );
        const requests = Array.from({ length: 4 }, (_, at) => aRequestOf(random, at));
        assert.deepEqual(usage.place(view, { requests, changes }), place(requests, nodesOf(view.with(changes))), `step ${step}`);
      }
    });

  it("is what the node has when it is described, and nothing before", () => {
    const usage = new NodeUsage();
    const { description: _, ...unknown } = aNode({ id: "n1" });
    const view = new Store().view().with([put("node", unknown)]);
    usage.noteNode(view, asId("n1"));
    const requests = [aRequest({ reservations: { nanoCpus: 1, memoryBytes: 0 } })];
    assert.equal(usage.place(view, { requests, changes: [] }).assigned.size, 0);
    const described = view.with([put("node", aNode({ id: "n1" }))]);
    usage.noteNode(described, asId("n1"));
    assert.equal(usage.place(described, { requests, changes: [] }).assigned.size, 1);
    const empty = new Store().view();
    usage.noteNode(empty, asId("n1"));
    assert.equal(usage.place(empty, { requests, changes: [] }).assigned.size, 0);
  });
});

function idOf(change: Change): string {
  return change.kind === "put" ? change.object.id : change.id;
}

function changedNode(random: SeededRandom): Change {
  const id = random.pick(NODES) ?? "";
  if (random.chance(0.2)) return { kind: "remove", table: "node", id: asId(id), basedOn: 0 };
  return put("node", aNode({ id, availability: random.pick(["active", "active", "pause"]) ?? "active" }));
}

function changedTask(random: SeededRandom): Change {
  const id = `t${random.below(12)}`;
  if (random.chance(0.2)) return { kind: "remove", table: "task", id: asId(id), basedOn: 0 };
  const state = random.pick([...TASK_STATES.slice(0, 9), "failed"] as const) ?? "new";
  const port = { protocol: "tcp", targetPort: 80, publishedPort: 8_000 + random.below(2), publishMode: "host" } as const;
  const hostPorts: readonly PortConfig[] = random.chance(0.3) ? [port] : [];
  return put(
    "task",
    aTask(id, {
      serviceId: asId(`s${random.below(3)}`),
      revisionId: asId(random.pick(REVISIONS) ?? "plain"),
      desiredState: random.pick(["running", "ready", "shutdown"] as const) ?? "running",
      status: { state, atMs: 0, message: "" },
      hostPorts,
      ...(random.chance(0.8) && { nodeId: asId<NodeId>(random.pick(NODES) ?? "") }),
      ...(random.chance(0.1) && { attachment: { containerId: "c", containerName: "n", wantedAddresses: [] } }),
    }),
  );
}

function aRequestOf(random: SeededRandom, at: number): PlacementRequest {
  const serviceId = `s${random.below(3)}`;
  return aRequest({
    taskId: `new${at}`,
    serviceId,
    reservations: random.pick([
      { nanoCpus: 0, memoryBytes: 0 },
      { nanoCpus: 1e9, memoryBytes: 1e9 },
    ]) ?? { nanoCpus: 0, memoryBytes: 0 },
    hostPorts: random.chance(0.2) ? ["tcp/8000"] : [],
    revisionId: `${serviceId}-${at}`,
  });
}
