import assert from "node:assert/strict";
import type { RestartSpec, ServiceSpec, Task } from "../../../src/model/cluster.ts";
import type { ServiceId } from "../../../src/model/ids.ts";
import { SimulatedCluster, taskSpec } from "./simulated-cluster.ts";

const RESTART: RestartSpec = { condition: "on-failure", delayNs: 1e9 };

async function aCluster(nodeCount: number): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster();
  await cluster.addCluster();
  for (let number = 1; number <= nodeCount; number++) await cluster.addNode(`w${number}`);
  return cluster;
}

function aJob(cluster: SimulatedCluster, mode: ServiceSpec["mode"], restart = RESTART): Promise<ServiceId> {
  return cluster.addService({ name: "job", mode, task: { ...taskSpec("app:1"), restart } });
}

const replicated = (totalCompletions: number, maxConcurrent: number): ServiceSpec["mode"] => ({
  kind: "replicated-job",
  totalCompletions,
  maxConcurrent,
});

function running(cluster: SimulatedCluster, id: ServiceId): readonly Task[] {
  return cluster.tasks(id).filter(({ status, desiredState }) => status.state === "running" && desiredState === "complete");
}

function end(cluster: SimulatedCluster, { id }: Task, exitCode: number): void {
  for (const { executor } of cluster.nodes.values()) if (executor.containers.has(id)) executor.exit(id, exitCode);
}

/** Each slot, or node, with the states of its tasks, oldest first. */
function states(cluster: SimulatedCluster, id: ServiceId, keyOf = ({ slot }: Task) => String(slot)): Record<string, string> {
  const byKey: Record<string, string> = {};
  for (const task of cluster.tasks(id).toSorted((a, b) => a.createdAtMs - b.createdAtMs)) {
    byKey[keyOf(task)] = `${byKey[keyOf(task)] ?? ""} ${task.status.state}`.trim();
  }
  return byKey;
}

describe("a job in a simulated cluster", () => {
  it("runs so many tasks at a time until so many have completed, and then no more", async () => {
    await using cluster = await aCluster(2);
    const id = await aJob(cluster, replicated(5, 2));
    let atOnceMax = 0;
    cluster.onApplied = () => (atOnceMax = Math.max(atOnceMax, running(cluster, id).length));
    for (let round = 0; round < 5; round++) {
      await cluster.until(() => running(cluster, id).length === Math.min(2, 5 - round));
      const [first] = running(cluster, id);
      if (first !== undefined) end(cluster, first, 0);
      await cluster.until(() => cluster.tasks(id).filter(({ status }) => status.state === "complete").length === round + 1);
    }
    await cluster.advance(120_000);
    assert.equal(atOnceMax, 2);
    assert.deepEqual(states(cluster, id), { 0: "complete", 1: "complete", 2: "complete", 3: "complete", 4: "complete" });
  });

  it("runs a failed task again in its slot, as often as its policy allows, and gives up then", async () => {
    await using cluster = await aCluster(1);
    const id = await aJob(cluster, replicated(1, 1), { ...RESTART, maxAttempts: 2 });
    for (let attempt = 1; attempt <= 3; attempt++) {
      await cluster.until(() => running(cluster, id).length === 1);
      const failed = running(cluster, id)[0];
      if (failed !== undefined) end(cluster, failed, 1);
      await cluster.until(() => running(cluster, id).length === 0);
    }
    await cluster.advance(120_000);
    assert.deepEqual(states(cluster, id), { 0: "failed failed failed" });
    assert.ok(cluster.tasks(id).every(({ desiredState }) => desiredState === "shutdown"));
  });

  it("runs once on every node, also on one that comes later", async () => {
    await using cluster = await aCluster(2);
    const id = await aJob(cluster, { kind: "global-job" });
    await cluster.until(() => running(cluster, id).length === 2);
    for (const task of running(cluster, id)) end(cluster, task, 0);
    await cluster.until(() => running(cluster, id).length === 0);
    await cluster.addNode("w3");
    await cluster.until(() => running(cluster, id).length === 1);
    const [last] = running(cluster, id);
    if (last !== undefined) end(cluster, last, 0);
    await cluster.advance(120_000);
    const byNode = states(cluster, id, ({ nodeId = "" }) => nodeId);
    assert.deepEqual(byNode, { "node-w1": "complete", "node-w2": "complete", "node-w3": "complete" });
  });

  it("is run elsewhere where its node is lost, and what has completed there is not run again", async () => {
    await using cluster = await aCluster(2);
    const id = await aJob(cluster, replicated(4, 4));
    await cluster.until(() => running(cluster, id).length === 4);
    const lost = [...cluster.nodes.values()][0];
    assert.ok(lost);
    const [there] = running(cluster, id).filter(({ nodeId }) => nodeId === lost.id);
    if (there !== undefined) end(cluster, there, 0);
    await cluster.until(() => running(cluster, id).length === 3);
    cluster.cut(lost);
    const elsewhere = () => running(cluster, id).filter(({ nodeId }) => nodeId !== lost.id);
    await cluster.until(() => elsewhere().length === 3);
    for (const task of elsewhere()) end(cluster, task, 0);
    await cluster.until(() => elsewhere().length === 0);
    cluster.heal(lost);
    await cluster.advance(30_000);
    const perSlot = Object.values(states(cluster, id)).map(text => text.split(" ").filter(state => state === "complete").length);
    assert.deepEqual(perSlot, [1, 1, 1, 1]);
  });

  it("is run again by an update that changes nothing: what still runs is ended first, what has completed stays as history", async () => {
    await using cluster = await aCluster(1);
    const id = await aJob(cluster, replicated(2, 2));
    await cluster.until(() => running(cluster, id).length === 2);
    const [first, second] = running(cluster, id).toSorted((a, b) => a.slot - b.slot);
    assert.ok(first && second);
    end(cluster, first, 0);
    await cluster.until(() => running(cluster, id).length === 1);
    await cluster.updateService(id, spec => spec);
    await cluster.until(() => running(cluster, id).length === 2 && cluster.tasks(id).length === 3);
    assert.deepEqual(
      running(cluster, id).map(({ jobIteration }) => jobIteration),
      [1, 1],
    );
    const before = cluster.tasks(id).filter(({ jobIteration }) => jobIteration === 0);
    assert.deepEqual(
      before.map(({ id: taskId, desiredState, status }) => [taskId, desiredState, status.state]),
      [[first.id, "complete", "complete"]],
    );
    const { containers } = [...cluster.nodes.values()][0]?.executor ?? { containers: new Map() };
    assert.notEqual(containers.get(second.id)?.state, "running");
  });

  it("waits where it does not fit, and is not counted when it has completed", async () => {
    await using cluster = await aCluster(1);
    const resources = { reservations: { nanoCpus: 3e9, memoryBytes: 0 } };
    const mode = replicated(2, 2);
    const id = await cluster.addService({ name: "big", mode, task: { ...taskSpec("app:1"), restart: RESTART, resources } });
    await cluster.until(() => running(cluster, id).length === 1);
    await cluster.advance(5_000);
    const [one] = running(cluster, id);
    assert.equal(running(cluster, id).length, 1);
    if (one !== undefined) end(cluster, one, 0);
    await cluster.until(() => running(cluster, id).some(({ id: other }) => other !== one?.id));
  });
});
