import assert from "node:assert/strict";
import { errorKind } from "../../../src/lib/errors.ts";
import { settle } from "../virtual-time.ts";
import { SimulatedCluster } from "./cluster.ts";
import type { Host } from "./host.ts";

const WAIT_MS = 20_000;
/** No two changes are the same. */
let changeCount = 0;

/** Managers with quiet disks and a leader. */
async function clusterOf(members: readonly number[]): Promise<{ readonly cluster: SimulatedCluster; readonly leader: Host }> {
  const cluster = new SimulatedCluster(3);
  for (const raftId of members) cluster.start(cluster.addHost(raftId, members));
  await waitFor(cluster, () => cluster.leader() !== undefined);
  const leader = cluster.leader();
  assert.ok(leader !== undefined);
  assert.equal(await propose(cluster, leader), "kept");
  return { cluster, leader };
}

async function waitFor(cluster: SimulatedCluster, isDone: () => boolean): Promise<number> {
  const fromMs = cluster.time.nowMs;
  await settle(); // What was begun just now has yet to ask for its time.
  await cluster.run(fromMs + WAIT_MS, isDone);
  assert.ok(isDone(), "it does not come to pass");
  return cluster.time.nowMs - fromMs;
}

/** @returns `kept`, or the kind of the error. */
async function propose(cluster: SimulatedCluster, { process }: Host): Promise<string> {
  let outcome: string | undefined;
  process?.driver?.propose(Buffer.from(`change ${++changeCount}`)).then(
    () => {
      outcome = "kept";
    },
    (error: unknown) => {
      outcome = errorKind(error);
    },
  );
  await waitFor(cluster, () => outcome !== undefined);
  return outcome ?? "nothing";
}

function statusOf({ process }: Host) {
  const status = process?.driver?.status();
  assert.ok(status !== undefined, "the manager runs");
  return status;
}

describe("a manager whose disk is full", () => {
  it("lets another lead, refuses what it is asked, and comes back whole", async () => {
    const { cluster, leader: old } = await clusterOf([1, 2, 3]);
    old.disk.isFull = true;
    assert.equal(await propose(cluster, old), "unavailable");
    const isReplaced = () => cluster.leader() !== undefined && cluster.leader() !== old;
    assert.ok((await waitFor(cluster, isReplaced)) < 3_000);
    assert.equal(await propose(cluster, old), "unavailable");
    const leader = cluster.leader() ?? old;
    assert.equal(await propose(cluster, leader), "kept");
    const { commitIndex } = statusOf(leader);
    await cluster.run(cluster.time.nowMs + 5_000);
    assert.ok(statusOf(old).appliedIndex < commitIndex, "it acknowledges nothing that it cannot write");
    assert.equal(cluster.leader(), leader);
    old.disk.isFull = false;
    await waitFor(cluster, () => statusOf(old).appliedIndex >= commitIndex);
    assert.equal(cluster.leader(), leader);
  });

  it("changes nothing as long as it is the only one, and goes on when there is room", async () => {
    const { cluster, leader } = await clusterOf([1]);
    leader.disk.isFull = true;
    for (let time = 0; time < 3; time++) assert.equal(await propose(cluster, leader), "unavailable");
    assert.equal(statusOf(leader).role, "follower");
    leader.disk.isFull = false;
    await waitFor(cluster, () => statusOf(leader).role === "leader");
    assert.equal(await propose(cluster, leader), "kept");
  });

  it("does not vote, so that no majority is made with it", async () => {
    const { cluster, leader } = await clusterOf([1, 2, 3]);
    const others = [...cluster.hosts.values()].filter(host => host !== leader);
    for (const { disk } of others) disk.isFull = true;
    cluster.crash(leader, { isPowerLoss: false });
    await cluster.run(cluster.time.nowMs + 10_000);
    assert.equal(cluster.leader(), undefined);
    for (const { disk } of others) disk.isFull = false;
    await waitFor(cluster, () => cluster.leader() !== undefined);
  });

  it("keeps a leader of two managers in office while the other cannot write, without taking anything for kept", async () => {
    const { cluster, leader } = await clusterOf([1, 2]);
    const other = [...cluster.hosts.values()].find(host => host !== leader);
    assert.ok(other !== undefined);
    other.disk.isFull = true;
    const { commitIndex } = statusOf(leader);
    leader.process?.driver?.propose(Buffer.from("one that waits")).catch(() => undefined);
    await cluster.run(cluster.time.nowMs + 5_000);
    assert.deepEqual([statusOf(leader).role, statusOf(leader).commitIndex], ["leader", commitIndex]);
    other.disk.isFull = false;
    await waitFor(cluster, () => statusOf(leader).commitIndex > commitIndex);
  });
});

describe("a leader whose disk is slow", () => {
  it("keeps its office when there is no other, and what it was asked", async () => {
    const { cluster, leader } = await clusterOf([1]);
    leader.disk.slowMs = 60_000;
    const { appliedIndex } = statusOf(leader);
    const roles = new Set<string>();
    leader.process?.driver?.propose(Buffer.from("one that waits for the slow disk")).catch(() => undefined);
    const fromMs = cluster.time.nowMs;
    await settle();
    await cluster.run(fromMs + 60_000, () => {
      roles.add(statusOf(leader).role);
      return statusOf(leader).appliedIndex > appliedIndex;
    });
    const tookMs = cluster.time.nowMs - fromMs;
    assert.ok(tookMs > 10_000 && tookMs < 60_000, `it took ${tookMs} ms`);
    assert.deepEqual([...roles], ["leader"]);
  });

  it("hands its office to another, and the changes go on", async () => {
    const { cluster, leader: old } = await clusterOf([1, 2, 3]);
    old.disk.slowMs = 60_000;
    old.process?.driver?.propose(Buffer.from("one that waits for the slow disk")).catch(() => undefined);
    assert.ok((await waitFor(cluster, () => cluster.leader() !== undefined && cluster.leader() !== old)) < 6_000);
    assert.equal(await propose(cluster, cluster.leader() ?? old), "kept");
  });
});
