import assert from "node:assert/strict";
import type { ServiceSpec, Task, UpdateConfig } from "../../../src/model/cluster.ts";
import type { ServiceId } from "../../../src/model/ids.ts";
import { SimulatedCluster, type SimulatedNode, taskSpec } from "./simulated-cluster.ts";

async function aCluster(nodeCount: number): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster();
  await cluster.addCluster();
  for (let number = 1; number <= nodeCount; number++) await cluster.addNode(`w${number}`);
  const isReady = () => [...cluster.store.view().all("node")].every(({ status }) => status.state === "ready");
  await cluster.until(isReady, { what: "nodes ready" });
  return cluster;
}

const REPLICAS = 4;
const ONE_BY_ONE: UpdateConfig = {
  ...{ parallelism: 1, delayNs: 0, failureAction: "continue", maxFailureRatio: 1, order: "stop-first", monitorNs: 1e9 },
};

async function aService(cluster: SimulatedCluster): Promise<ServiceId> {
  const id = await cluster.addService({ name: "web", mode: { kind: "replicated", replicas: REPLICAS }, update: ONE_BY_ONE });
  await cluster.until(() => cluster.running(id).length === REPLICAS);
  return id;
}

function withImage(image: string): (spec: ServiceSpec) => ServiceSpec {
  return spec => ({ ...spec, task: taskSpec(image) });
}

function downSlots(cluster: SimulatedCluster, id: ServiceId): number {
  return REPLICAS - new Set(cluster.running(id).map(({ slot }) => slot)).size;
}

/** The fewest slots that run until the update is over. */
async function mostDown(cluster: SimulatedCluster, id: ServiceId): Promise<number> {
  let most = 0;
  cluster.onApplied = () => {
    most = Math.max(most, downSlots(cluster, id));
  };
  await cluster.until(() => cluster.service(id).updateStatus?.state === "completed", { withinMs: 120_000 });
  return most;
}

function nodeOf(cluster: SimulatedCluster, task: Task | undefined): SimulatedNode {
  const node = task?.nodeId === undefined ? undefined : cluster.nodes.get(task.nodeId);
  assert.ok(node !== undefined);
  return node;
}

describe("what faults found", () => {
  it("a worker is told of each entry, also when its manager applies several at once", async () => {
    await using cluster = await aCluster(1);
    const id = await aService(cluster);
    const stop = (task: Task) => {
      const object: Task = { ...task, desiredState: "shutdown" };
      return [{ kind: "put", table: "task", object, basedOn: task.version } as const];
    };
    const stopped = cluster.running(id).slice(0, 2);
    cluster.applyTogether(stopped.map(stop));
    const ids = new Set(stopped.map(task => task.id));
    const isRunning = () =>
      nodeOf(cluster, stopped[0])
        .executor.running()
        .some(({ task }) => ids.has(task.id));
    await cluster.until(() => !isRunning(), { withinMs: 5_000 });
  });

  it("a change beside an update that is under way takes no more down", async () => {
    await using cluster = await aCluster(3);
    const id = await aService(cluster);
    await cluster.updateService(id, withImage("app:2"));
    await cluster.until(() => downSlots(cluster, id) === 1);
    await cluster.updateService(id, spec => ({ ...spec, labels: { seen: "yes" } }));
    assert.equal(await mostDown(cluster, id), 1);
  });

  it("an update does not go on while what it began is without its node", async () => {
    await using cluster = await aCluster(5);
    const id = await aService(cluster);
    for (const { executor } of cluster.nodes.values()) executor.startMs = 8_000;
    await cluster.updateService(id, withImage("app:2"));
    const isBegun = (task: Task) => task.revisionId === cluster.service(id).revisionId && task.status.state === "starting";
    await cluster.until(() => cluster.tasks(id).some(isBegun));
    const begun = nodeOf(cluster, cluster.tasks(id).find(isBegun));
    const others = cluster.running(id).filter(({ nodeId }) => nodeId === begun.id).length;
    cluster.cut(begun);
    assert.ok((await mostDown(cluster, id)) <= 1 + others);
  });

  it("a global service comes back on a node whose container ended while the node was down", async () => {
    await using cluster = await aCluster(3);
    const id = await cluster.addService({ name: "everywhere", mode: { kind: "global" } });
    await cluster.until(() => cluster.running(id).length === 3);
    const [node] = cluster.nodes.values();
    assert.ok(node !== undefined);
    cluster.cut(node);
    const stateOf = () => cluster.store.view().get("node", node.id)?.status.state;
    await cluster.until(() => stateOf() === "down");
    for (const { task } of node.executor.running()) node.executor.exit(task.id, 255);
    await cluster.advance(1_000);
    cluster.heal(node);
    await cluster.until(() => cluster.running(id).length === 3);
  });

  it("an update waits no hour because the leader's clock is set back by one", async () => {
    await using cluster = await aCluster(3);
    const id = await aService(cluster);
    await cluster.updateService(id, withImage("app:2"));
    await cluster.until(() => cluster.running(id).some(task => task.revisionId === cluster.service(id).revisionId));
    cluster.wallSkewMs = -3_600_000;
    cluster.lead();
    await cluster.until(() => cluster.service(id).updateStatus?.state === "completed", { withinMs: 120_000 });
  });
});
