import assert from "node:assert/strict";
import { aBusyCluster, down, REPLICAS } from "./busy-cluster.ts";

describe("simulated nodes that leave the swarm", () => {
  it("are down at once, and their tasks run elsewhere within a second", async () => {
    const { cluster, id, nodes } = await aBusyCluster();
    await using _ = cluster;
    const [node] = nodes;
    assert.ok(node);
    await cluster.leave(node);
    assert.equal(down(cluster), 1);
    assert.equal(cluster.store.view().get("node", node.id)?.status.message, "the node left the swarm");
    const elsewhere = () => cluster.running(id).filter(({ nodeId }) => nodeId !== node.id);
    await cluster.until(() => elsewhere().length === REPLICAS, { withinMs: 1_000 });
    await cluster.advance(60_000);
    assert.equal(down(cluster), 1, "and stays so");
  });

  it("hold nobody's eviction back, however many they are", async () => {
    const { cluster, id, nodes } = await aBusyCluster();
    await using _ = cluster;
    for (const node of nodes.slice(0, 3)) await cluster.leave(node);
    assert.equal(down(cluster), 3);
    const [, , , lost] = nodes;
    assert.ok(lost);
    cluster.cut(lost);
    await cluster.until(() => down(cluster) === 4, { withinMs: 6_000 });
    await cluster.until(() => cluster.running(id).length === REPLICAS, { withinMs: 2_000 });
  });

  it("stay down when another manager leads, which has heard no goodbye", async () => {
    const { cluster, nodes } = await aBusyCluster();
    await using _ = cluster;
    const [node] = nodes;
    assert.ok(node);
    await cluster.leave(node);
    cluster.lead();
    await cluster.advance(60_000);
    assert.equal(down(cluster), 1);
  });

  it("are up again when they have not left after all", async () => {
    const { cluster, nodes } = await aBusyCluster();
    await using _ = cluster;
    const [node] = nodes;
    assert.ok(node);
    await cluster.leave(node);
    await cluster.advance(100);
    cluster.startAgent(node, "w1");
    await cluster.until(() => down(cluster) === 0, { withinMs: 2_000 });
  });
});
