import assert from "node:assert/strict";
import { eventually, RealCluster } from "./real-cluster.ts";

const bytes = (text: string) => Buffer.from(text);

describe("RaftDriver on the real disk and clock", () => {
  it("commits alone and keeps everything over a restart", async () => {
    await using cluster = await RealCluster.create();
    const driver = await cluster.start(1, { members: [1] });
    await cluster.leader();
    assert.equal(await driver.propose(bytes("a")), 1);
    assert.deepEqual(await Promise.all([driver.propose(bytes("b")), driver.propose(bytes("c"))]), [2, 3]);
    await cluster.stop(1);
    const again = await cluster.start(1, { members: [1] });
    await cluster.leader();
    await again.readBarrier();
    assert.deepEqual(cluster.machines.get(1)?.texts, ["a", "b", "c"]);
  });

  it("replicates to three voters, in one order everywhere", async () => {
    await using cluster = await RealCluster.create();
    for (const raftId of [1, 2, 3]) await cluster.start(raftId, { members: [1, 2, 3] });
    const leader = await cluster.leader();
    const results = await Promise.all(Array.from({ length: 100 }, (_, at) => leader.propose(bytes(`entry ${at}`))));
    assert.deepEqual(
      results,
      Array.from({ length: 100 }, (_, at) => at + 1),
    );
    for (const [raftId, driver] of cluster.drivers) {
      await driver.readBarrier();
      assert.deepEqual(cluster.machines.get(raftId)?.texts.length, 100);
    }
  });

  it("takes in a member that starts empty, through a snapshot, and makes it a voter", async () => {
    await using cluster = await RealCluster.create({ snapshotEveryEntries: 20, keepEntries: 5 });
    const first = await cluster.start(1, { members: [1] });
    await cluster.leader();
    for (let at = 0; at < 50; at++) await first.propose(bytes(`entry ${at}`));
    const second = await cluster.start(2, { join: true });
    await first.addMember(RealCluster.member(2));
    await second.readBarrier();
    assert.deepEqual(cluster.machines.get(2)?.texts, cluster.machines.get(1)?.texts);
    assert.deepEqual(first.status().members, [
      { ...RealCluster.member(1), isLearner: false },
      { ...RealCluster.member(2), isLearner: false },
    ]);
    await first.transferLeadership({});
    await eventually(() => second.status().role === "leader");
    await second.removeMember(1);
    assert.deepEqual(
      second.status().members.map(member => member.raftId),
      [2],
    );
  });
});
