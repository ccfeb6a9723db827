import assert from "node:assert/strict";
import type { Clock } from "../../../src/ports/clock.ts";
import type { RaftMember, RaftTransport } from "../../../src/ports/consensus.ts";
import type { RaftDriver } from "../../../src/raft/driver.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { noSpace } from "./memory-disk.ts";
import { eventually, RealCluster } from "./real-cluster.ts";

const bytes = (text: string) => Buffer.from(text);

async function proposeMany(driver: RaftDriver, count: number): Promise<void> {
  for (let at = 0; at < count; at++) await driver.propose(bytes(`entry ${at}`));
}

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

async function* streamed(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

describe("RaftDriver's snapshots", () => {
  it("takes snapshots, and keeps older ones, as it is told while it runs", async () => {
    let settings = { snapshotEveryEntries: 1000, keepEntries: 0, keepSnapshots: 0 };
    await using cluster = await RealCluster.create();
    const driver = await cluster.start(1, { members: [1] }, { settings: () => settings });
    await cluster.leader();
    for (let at = 0; at < 20; at++) await driver.propose(bytes(`entry ${at}`));
    assert.equal(await cluster.snapshotCount(1), 0);
    settings = { snapshotEveryEntries: 5, keepEntries: 2, keepSnapshots: 2 };
    const taken = new Set<number>();
    await eventually(async () => {
      await driver.propose(bytes("one more")); // While one snapshot is being taken, no other is.
      taken.add(driver.inspected.snapshot.index);
      return taken.size > 5;
    });
    const { log, snapshot } = driver.inspected;
    assert.equal(log.baseIndex, snapshot.index - 2);
    await cluster.stop(1); // What it does in the background is done now.
    assert.equal(await cluster.snapshotCount(1), 3);
  });

  it("takes a snapshot after so many bytes too, however few entries they are", async () => {
    await using cluster = await RealCluster.create({ snapshotEveryBytes: 10_000 });
    const driver = await cluster.start(1, { members: [1] });
    await cluster.leader();
    const propose = async (count: number) => {
      for (let at = 0; at < count; at++) await driver.propose(Buffer.alloc(1_000, "a"));
    };
    const snapshotIndex = () => driver.inspected.snapshot.index;
    await propose(9);
    assert.equal(snapshotIndex(), 0);
    await propose(1);
    const first = await eventually(() => snapshotIndex() || undefined);
    await propose(9);
    assert.equal(snapshotIndex(), first);
    await propose(1);
    assert.equal(await eventually(() => snapshotIndex() !== first && snapshotIndex()), first + 10);
  });

  it("takes a snapshot after so many entries, counted from the one before", async () => {
    await using cluster = await RealCluster.create({ snapshotEveryEntries: 40 });
    const driver = await cluster.start(1, { members: [1] });
    await cluster.leader();
    const snapshotIndex = () => driver.inspected.snapshot.index;
    await proposeMany(driver, 40 - driver.status().appliedIndex);
    assert.equal(await eventually(() => snapshotIndex() || undefined), 40);
    await proposeMany(driver, 39);
    assert.equal(snapshotIndex(), 40);
    await proposeMany(driver, 1);
    assert.equal(await eventually(() => snapshotIndex() !== 40 && snapshotIndex()), 80);
  });

  it("goes on when there is no room for a snapshot, and tries again some time later, not with every entry", async () => {
    let lateMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + lateMs };
    await using cluster = await RealCluster.create({ snapshotEveryEntries: 5 });
    const driver = await cluster.start(1, { members: [1] }, { clock });
    await cluster.leader();
    const machine = cluster.machines.get(1) ?? assert.fail();
    let tries = 0;
    const whole = machine.snapshot.bind(machine);
    machine.snapshot = async function* () {
      tries++;
      if (lateMs === 0) throw noSpace();
      yield* whole();
    };
    await proposeMany(driver, 50);
    assert.deepEqual([tries, driver.inspected.snapshot.index], [1, 0]);
    lateMs = 10_000;
    await proposeMany(driver, 1);
    assert.ok((await eventually(() => driver.inspected.snapshot.index || undefined)) > 50);
    assert.equal(tries, 2);
  });

  it("is stopped when what it writes in the background is written", async () => {
    await using cluster = await RealCluster.create({ snapshotEveryEntries: 5 });
    const driver = await cluster.start(1, { members: [1] });
    await cluster.leader();
    const machine = cluster.machines.get(1) ?? assert.fail();
    const held = { hasBegun: false, release: () => {} };
    const released = new Promise<void>(resolve => (held.release = resolve));
    machine.snapshot = async function* () {
      held.hasBegun = true;
      yield bytes("the first half");
      await released;
      yield bytes("the second half");
    };
    await proposeMany(driver, 5);
    await eventually(() => held.hasBegun);
    const stopping = cluster.stop(1).then(() => "stopped");
    assert.equal(await Promise.race([stopping, systemClock.sleep(100).then(() => "writing")]), "writing");
    held.release();
    assert.equal(await stopping, "stopped");
  });

  it("answers the sender of a snapshot also when that is the first it hears from it, and the snapshot does not name it", async () => {
    await using cluster = await RealCluster.create({ snapshotEveryEntries: 20, keepEntries: 0 });
    const first = await cluster.start(1, { members: [1] });
    await cluster.leader();
    await proposeMany(first, 50);
    let sent: readonly Uint8Array[] = [];
    const sendSnapshot: RaftTransport["sendSnapshot"] = async (_to, chunks) => {
      sent = await collected(chunks);
      throw new Error("the network was cut");
    };
    const send: RaftTransport["send"] = (to, message) => cluster.deliver(to, message);
    const second = await cluster.start(2, { join: true }, { transport: { send, sendSnapshot } });
    await first.addMember(RealCluster.member(2));
    await first.transferLeadership({ to: 2 });
    await eventually(() => second.status().role === "leader");
    await cluster.start(3, { join: true });
    const adding = assert.rejects(second.addMember(RealCluster.member(3)), { kind: "unavailable" });
    await eventually(() => sent.length > 0);
    for (const raftId of [1, 2, 3]) await cluster.stop(raftId); // The third forgets what it had heard.
    await adding;
    const answered: string[] = [];
    const transport = { send: ({ address }: RaftMember) => void answered.push(address), sendSnapshot: async () => undefined };
    const third = await cluster.start(3, { join: true }, { transport });
    await third.receiveSnapshot(streamed(sent));
    assert.equal(await eventually(() => answered[0]), RealCluster.member(2).address);
  });
});

describe("RaftDriver's turns", () => {
  it("applies an entry that comes alone at once, without giving way to others before", async () => {
    let nowMs = 0;
    let gaveWay = 0;
    /** Stands still while anything is worked on. */
    const clock: Clock = {
      ...systemClock,
      monotonicMs: () => nowMs,
      sleep: async (ms, options) => {
        if (ms === 0) gaveWay++;
        await systemClock.sleep(ms, options);
        nowMs += ms;
      },
    };
    await using cluster = await RealCluster.create({ stallMs: Infinity });
    for (const raftId of [1, 2, 3]) await cluster.start(raftId, { members: [1, 2, 3] }, { clock });
    const leader = await cluster.leader();
    await leader.propose(bytes("the first"));
    gaveWay = 0;
    await proposeMany(leader, 20);
    for (const driver of cluster.drivers.values())
      await eventually(() => driver.status().appliedIndex === leader.status().appliedIndex);
    assert.equal(gaveWay, 0);
  });
});
