import assert from "node:assert/strict";
import { isTerminal } from "../../../src/model/task-state.ts";
import { SimulatedCluster, taskSpec } from "./simulated-cluster.ts";

/** Two nodes with two tasks each, where what ends is begun again after a second. */
async function aCluster() {
  const cluster = new SimulatedCluster();
  await cluster.addCluster();
  const full = await cluster.addNode("w1");
  const other = await cluster.addNode("w2");
  await cluster.until(() => [...cluster.store.view().all("node")].every(({ status }) => status.state === "ready"));
  const task = { ...taskSpec("app:1"), restart: { condition: "any", delayNs: 1e9 } } as const;
  const id = await cluster.addService({ name: "web", mode: { kind: "replicated", replicas: 4 }, task });
  await cluster.until(() => cluster.running(id).length === 4);
  return { cluster, full, other, id };
}

describe("a simulated node that cannot record its tasks", () => {
  it("tells of ends all the same, and refuses what it is given: it runs where there is room", async () => {
    const { cluster, full, other, id } = await aCluster();
    await using _ = cluster;
    full.db.isFull = true;
    for (const { task } of full.executor.running()) full.executor.exit(task.id, 1);
    await cluster.until(() => cluster.tasks(id).filter(({ status }) => status.state === "failed").length === 2);
    await cluster.until(() => cluster.tasks(id).some(({ status }) => status.error?.includes("no space left") === true));
    assert.equal(full.executor.running().length, 0, "nothing runs that no record tells of");
    await cluster.setAvailability(full.id, "pause");
    await cluster.until(() => other.executor.running().length === 4);
  });

  it("stops what it is told to stop, and takes up work again once there is room", async () => {
    const { cluster, full, id } = await aCluster();
    await using _ = cluster;
    full.db.isFull = true;
    await cluster.updateService(id, spec => ({ ...spec, mode: { kind: "replicated", replicas: 0 } }));
    await cluster.until(() => full.executor.running().length === 0);
    full.db.isFull = false;
    await cluster.updateService(id, spec => ({ ...spec, mode: { kind: "replicated", replicas: 4 } }));
    await cluster.until(() => full.executor.running().length === 2);
    await cluster.until(() => cluster.tasks(id).filter(({ status }) => !isTerminal(status.state)).length === 4);
  });

  it("goes on after a restart from what it could record, and runs nothing twice", async () => {
    const { cluster, full, id } = await aCluster();
    await using _ = cluster;
    const [ended] = full.executor.running();
    full.db.isFull = true;
    if (ended !== undefined) full.executor.exit(ended.task.id, 0);
    await cluster.until(() => cluster.tasks(id).some(({ status }) => status.state === "complete"));
    full.db.isFull = false;
    full.agent?.abort();
    await cluster.advance(1_000);
    cluster.startAgent(full, "w1");
    await cluster.until(() => cluster.running(id).length === 4);
    await cluster.advance(10_000);
    assert.equal([...cluster.nodes.values()].flatMap(({ executor }) => executor.running()).length, 4);
  });
});
