import assert from "node:assert/strict";
import { aBusyCluster, down, REPLICAS } from "./busy-cluster.ts";

describe("simulated nodes that fall silent", () => {
  for (const silentMs of [2_000, 3_000, 3_400]) {
    it(`for ${silentMs} ms lose nothing, whenever their beats come`, async () => {
      const { cluster, nodes, taskIds } = await aBusyCluster();
      await using _ = cluster;
      const before = taskIds();
      for (const [at, node] of nodes.entries()) {
        await cluster.advance(at * 170);
        cluster.cut(node);
        await cluster.advance(silentMs);
        cluster.heal(node);
        await cluster.advance(5_000);
        assert.equal(down(cluster), 0);
      }
      assert.deepEqual(taskIds(), before);
    });
  }

  it("lose nothing either when the network is back after 3 s and their sessions only 3 s later", async () => {
    const { cluster, nodes, taskIds } = await aBusyCluster();
    await using _ = cluster;
    const before = taskIds();
    for (const [at, node] of nodes.entries()) {
      await cluster.advance(at * 170);
      cluster.cut(node);
      await cluster.advance(3_000);
      cluster.heal(node, { isDeafForMs: 3_000 });
      await cluster.advance(8_000);
      assert.equal(down(cluster), 0);
    }
    assert.deepEqual(taskIds(), before);
  });

  it("are down, 8 s after their last beat, when they answer but send no beats", async () => {
    const { cluster, nodes } = await aBusyCluster();
    await using _ = cluster;
    const [node] = nodes;
    assert.ok(node);
    cluster.cut(node);
    cluster.heal(node, { isDeafForMs: 60_000 });
    await cluster.advance(6_500);
    assert.equal(down(cluster), 0);
    await cluster.until(() => down(cluster) === 1, { withinMs: 2_000 });
  });

  it("have their tasks running elsewhere within 7 s, 2 s after the 5 s that they may be silent", async () => {
    const { cluster, id, nodes } = await aBusyCluster();
    await using _ = cluster;
    const lost = nodes.slice(0, 2);
    for (const node of lost) cluster.cut(node);
    const ids = new Set(lost.map(node => node.id));
    const elsewhere = () => cluster.running(id).filter(({ nodeId }) => nodeId !== undefined && !ids.has(nodeId));
    const tookMs = await cluster.until(() => elsewhere().length === REPLICAS);
    assert.ok(tookMs <= 7_000, `took ${tookMs} ms`);
  });

  it("keep their tasks for a minute when they are most, and are down then", async () => {
    const { cluster, id, nodes, taskIds } = await aBusyCluster();
    await using _ = cluster;
    const before = taskIds();
    const lost = nodes.slice(0, 4);
    for (const node of lost) cluster.cut(node);
    await cluster.advance(60_000);
    assert.equal(down(cluster), 0);
    assert.deepEqual(taskIds(), before);
    await cluster.until(() => down(cluster) === lost.length, { withinMs: 8_000 });
    await cluster.until(() => cluster.running(id).length === REPLICAS, { withinMs: 3_000 });
  });

  it("keep all of their tasks when they are most and are back within the minute, one after another", async () => {
    const { cluster, nodes, taskIds } = await aBusyCluster();
    await using _ = cluster;
    const before = taskIds();
    for (const node of nodes.slice(0, 4)) cluster.cut(node);
    for (const node of nodes.slice(0, 4)) {
      await cluster.advance(12_000);
      cluster.heal(node);
    }
    await cluster.advance(70_000);
    assert.equal(down(cluster), 0);
    assert.deepEqual(taskIds(), before);
  });

  it("are held as well when they fall silent one after another, as by a fault that spreads", async () => {
    const { cluster, nodes } = await aBusyCluster();
    await using _ = cluster;
    for (const node of nodes.slice(0, 5)) {
      cluster.cut(node);
      await cluster.advance(2_000);
    }
    await cluster.advance(20_000);
    // Those that were down before half were silent stay so; of the others none is.
    assert.ok(down(cluster) <= 3, `${down(cluster)} are down`);
  });

  it("are judged anew by a leader that comes next", async () => {
    const { cluster, nodes, taskIds } = await aBusyCluster();
    await using _ = cluster;
    const before = taskIds();
    const [lost] = nodes;
    assert.ok(lost);
    cluster.cut(lost);
    await cluster.advance(3_000);
    cluster.lead();
    await cluster.advance(7_500);
    assert.equal(down(cluster), 0, "counted from the election, as a worker that had to move");
    assert.deepEqual(taskIds(), before);
    await cluster.until(() => down(cluster) === 1, { withinMs: 2_000 });
  });
});
