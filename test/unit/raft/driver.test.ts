import assert from "node:assert/strict";
import { DataCipher } from "../../../src/system/data-cipher.ts";
import { systemRandom } from "../../../src/system/random.ts";
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
      assert.equal(driver.status().leaderId, leader.status().raftId);
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

  it("gives a member that never answers no vote, however little there is to catch up with", async () => {
    await using cluster = await RealCluster.create();
    const first = await cluster.start(1, { members: [1] });
    await cluster.leader();
    const isOver = AbortSignal.timeout(1_000);
    await assert.rejects(first.addMember(RealCluster.member(2), { signal: isOver }));
    assert.deepEqual(first.status().members[1], { ...RealCluster.member(2), isLearner: true });
    assert.equal(await first.propose(bytes("a")), 1);
  });

  it("goes on alone, with everything it holds, when the other members are lost for good", async () => {
    await using cluster = await RealCluster.create();
    for (const raftId of [1, 2, 3]) await cluster.start(raftId, { members: [1, 2, 3] });
    await (await cluster.leader()).propose(bytes("kept"));
    await cluster.drivers.get(1)?.readBarrier();
    for (const raftId of [1, 2, 3]) await cluster.stop(raftId);
    const alone = await cluster.start(1, { members: [1], forceNewCluster: true });
    await cluster.leader();
    await alone.propose(bytes("and more"));
    assert.deepEqual(cluster.machines.get(1)?.texts, ["kept", "and more"]);
    assert.deepEqual(alone.status().members, [{ ...RealCluster.member(1), isLearner: false }]);
    await cluster.stop(1);
    const again = await cluster.start(1, { members: [1] });
    await cluster.leader();
    assert.deepEqual(again.status().members.length, 1);
  });

  it("tells watchers the newest status, and refuses everything once it is stopped", async () => {
    await using cluster = await RealCluster.create();
    const driver = await cluster.start(1, { members: [1] });
    const controller = new AbortController();
    const roles: string[] = [];
    const watching = (async () => {
      for await (const { role } of driver.watchStatus({ signal: controller.signal })) roles.push(role);
    })();
    await eventually(() => roles.at(-1) === "leader");
    controller.abort(new Error("enough"));
    await assert.rejects(watching, /enough/);
    const waiting = driver.propose(bytes("a"));
    waiting.catch(() => undefined);
    await cluster.stop(1);
    await Promise.allSettled([waiting]);
    await assert.rejects(driver.propose(bytes("b")), { kind: "unavailable" });
    await assert.rejects(driver.readBarrier(), { kind: "unavailable" });
    driver.receive(Buffer.of(1, 2, 3)); // Too late, and no message.
  });

  it("writes what was sealed with an older key, or not at all, anew under a new one, with and without proposals meanwhile", async () => {
    const keys = (...ids: readonly number[]) => ids.map(id => ({ id, key: new Uint8Array(32).fill(id) }));
    await using cluster = await RealCluster.create();
    const plain = await cluster.start(1, { members: [1] });
    await cluster.leader();
    await plain.propose(bytes("marked"));
    await cluster.stop(1);
    assert.ok((await cluster.onDisk(1)).includes("marked"));

    const cipher = new DataCipher(keys(1), systemRandom);
    const oldest: number[] = [];
    const sealing = { cipher, onOldestKey: (keyId: number) => oldest.push(keyId) };
    const driver = await cluster.start(1, { members: [1] }, sealing);
    await eventually(() => oldest.at(-1) === 1);
    assert.ok(!(await cluster.onDisk(1)).includes("marked"), "an earlier version's data is sealed by itself");
    cipher.use(keys(1, 2));
    driver.rekeyed();
    await eventually(() => oldest.at(-1) === 2);
    cipher.use(keys(2));
    let isBusy = true;
    const proposing = (async () => {
      for (let at = 0; isBusy; at++) await driver.propose(bytes(`while busy ${at}`));
    })();
    cipher.use(keys(2, 3));
    driver.rekeyed();
    await eventually(() => oldest.at(-1) === 3);
    isBusy = false;
    await proposing;
    assert.deepEqual(oldest, [0, 1, 2, 3]);
    const { texts } = cluster.machines.get(1) ?? assert.fail();
    await cluster.stop(1);
    const again = await cluster.start(1, { members: [1] }, { cipher: new DataCipher(keys(3), systemRandom) });
    await cluster.leader();
    await again.readBarrier();
    assert.deepEqual(cluster.machines.get(1)?.texts, texts);
    assert.ok(texts.length > 1 && texts[0] === "marked");
  });

  it("refuses on a follower what only the leader can do, and reads where nobody leads", async () => {
    await using cluster = await RealCluster.create({ tickMs: 20 });
    for (const raftId of [1, 2, 3]) await cluster.start(raftId, { members: [1, 2, 3] });
    const leader = await cluster.leader();
    const follower = await eventually(() =>
      [...cluster.drivers.values()].find(driver => driver.status().leaderId !== driver.status().raftId),
    );
    await assert.rejects(follower.propose(bytes("a")), { kind: "unavailable", message: "this manager is not the leader" });
    await assert.rejects(follower.addMember(RealCluster.member(4)), { kind: "unavailable" });
    await assert.rejects(follower.removeMember(1), { kind: "unavailable" });
    await assert.rejects(follower.transferLeadership(), { kind: "unavailable" });
    await leader.removeMember(99); // No member: nothing to do.
    for (const raftId of cluster.drivers.keys()) if (raftId !== follower.status().raftId) await cluster.stop(raftId);
    await eventually(() => follower.status().leaderId === undefined);
    await assert.rejects(follower.readBarrier(), /The swarm does not have a leader/);
  });

  it("drops what is no message for it", async () => {
    await using cluster = await RealCluster.create();
    const driver = await cluster.start(1, { members: [1] });
    for (const junk of [Buffer.of(), Buffer.of(9), Buffer.of(1, 0, 6, 2, 3, 1, 0, 0)]) driver.receive(junk);
    await cluster.leader();
    assert.equal(await driver.propose(bytes("a")), 1);
  });
});
