import assert from "node:assert/strict";
import type { GenericResource } from "../../../src/model/resources.ts";
import { SimulatedCluster, taskSpec } from "./simulated-cluster.ts";

const gpus = (...names: readonly string[]): readonly GenericResource[] => names.map(value => ({ kind: "gpu", value }));
const oneGpu = { ...taskSpec("app:1"), resources: { reservations: { generic: [{ kind: "gpu", value: 1 }] } } };

describe("simulated nodes with generic resources", () => {
  async function begin(replicas: number) {
    const cluster = new SimulatedCluster();
    await cluster.addCluster();
    const first = await cluster.addNode("w1", { genericResources: gpus("a", "b") });
    const second = await cluster.addNode("w2", { genericResources: gpus("c") });
    await cluster.until(() => [...cluster.store.view().all("node")].every(({ status }) => status.state === "ready"));
    const id = await cluster.addService({ name: "web", mode: { kind: "replicated", replicas }, task: oneGpu });
    const held = () =>
      cluster
        .running(id)
        .map(({ nodeId, genericResources = [] }) => [nodeId, ...genericResources.map(({ value }) => value)].join(" "))
        .toSorted();
    return { cluster, first, second, id, held };
  }

  it("give each task one of its own; another waits, and says for what, until one ends", async () => {
    const { cluster, id, held } = await begin(4);
    await using _ = cluster;
    await cluster.until(() => cluster.running(id).length === 3);
    await cluster.advance(5_000);
    assert.deepEqual(held(), ["node-w1 a", "node-w1 b", "node-w2 c"]);
    const waiting = cluster.tasks(id).filter(({ nodeId }) => nodeId === undefined);
    assert.deepEqual(
      waiting.map(({ status }) => status.error),
      ["no suitable node (insufficient resources on 2 nodes)"],
    );
    cluster.lead(); // A new leader knows as much.
    await cluster.advance(5_000);
    assert.equal(held().length, 3);
    const other = await cluster.addService({ name: "other", task: oneGpu });
    await cluster.updateService(id, spec => ({ ...spec, mode: { kind: "replicated", replicas: 2 } }));
    await cluster.until(() => cluster.running(other).length === 1);
    assert.equal(cluster.running(id).length, 2);
  });

  it("that have less than they had give up the newest tasks, and others take them", async () => {
    const { cluster, first, second, id, held } = await begin(2);
    await using _ = cluster;
    await cluster.until(() => cluster.running(id).length === 2);
    assert.deepEqual(held(), ["node-w1 a", "node-w2 c"]);
    second.genericResources = gpus("d");
    cluster.cut(second);
    cluster.heal(second);
    await cluster.until(() => held().join() === "node-w1 a,node-w2 d" || held().join() === "node-w1 a,node-w1 b");
    first.genericResources = gpus();
    second.genericResources = gpus("d", "e");
    for (const node of [first, second]) {
      cluster.cut(node);
      cluster.heal(node);
    }
    await cluster.until(() => held().join() === "node-w2 d,node-w2 e");
  });
});
