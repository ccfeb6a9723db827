import assert from "node:assert/strict";
import type { Disk } from "../../../src/ports/disk.ts";
import { decodeMembers } from "../../../src/raft/encoding.ts";
import { RaftStorage, type RaftStorageOptions } from "../../../src/raft/storage.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { entriesOf, membersOf } from "./cores.ts";
import { MemoryDisk } from "./memory-disk.ts";

const initial = { index: 0, term: 0, members: membersOf([1, 2, 3]) };
const open = (disk: Disk, over: Partial<RaftStorageOptions> = {}) =>
  RaftStorage.open({ disk, directory: "raft", raftId: 1, initial, ...over });
const hardState = (term: number, commit = 0, vote = 0) => ({ term, vote, commit });
const terms = (entries: readonly Entry[]) => entries.map(entry => entry.term);
async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
async function textsOf(storage: RaftStorage): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const chunk of storage.readSnapshot(storage.snapshot ?? assert.fail())) texts.push(Buffer.from(chunk).toString());
  return texts;
}
const meta = (index: number, term: number) => ({ index, term, members: membersOf([1, 2]) });
async function snapshotAt(storage: RaftStorage, index: number, { term = 1, compactTo = index } = {}): Promise<void> {
  await storage.publishSnapshot(await storage.writeSnapshot(meta(index, term), chunks("one", "two")), { compactTo });
}

describe("RaftStorage", () => {
  it("begins with the first members and gives back what was saved", async () => {
    const disk = new MemoryDisk();
    const first = await open(disk);
    assert.deepEqual(first.initialState, { hardState: hardState(0), snapshot: initial, baseIndex: 0, baseTerm: 0, entries: [] });
    await first.save({ hardState: hardState(1, 0, 2), entries: entriesOf([1, 1]) });
    await first.save({ hardState: undefined, entries: entriesOf([1], 3) });
    await first.save({ hardState: hardState(2, 1), entries: [] });
    const { initialState } = await open(disk);
    assert.deepEqual(
      initialState.entries.map(entry => ({ ...entry, data: Buffer.from(entry.data) })),
      entriesOf([1, 1, 1]),
    );
    assert.deepEqual([initialState.hardState, initialState.snapshot], [hardState(2, 1), initial]);
  });

  it("lets a later entry replace one with its index and all after it", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.save({ hardState: hardState(1), entries: entriesOf([1, 1, 1, 1]) });
    await storage.save({ hardState: hardState(2), entries: entriesOf([2], 3) });
    assert.deepEqual(terms((await open(disk)).initialState.entries), [1, 1, 2]);
  });

  it("cuts a write that a crash cut short, wherever, and goes on behind what is whole", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.save({ hardState: hardState(1), entries: entriesOf([1]) });
    const [name = ""] = disk.names();
    const whole = disk.size(name);
    await storage.save({ hardState: hardState(2), entries: entriesOf([1, 2], 2) });
    for (let size = disk.size(name) - 1; size >= whole; size--) {
      const torn = disk.copy();
      torn.cut(name, size);
      const again = await open(torn);
      assert.deepEqual([again.initialState.hardState.term, terms(again.initialState.entries)], [1, [1]], `cut at ${size}`);
      assert.equal(torn.size(name), whole);
      await again.save({ hardState: hardState(3), entries: entriesOf([3], 2) });
      assert.deepEqual(terms((await open(torn)).initialState.entries), [1, 3]);
    }
  });

  it("starts anew when the very first start was cut short", async () => {
    const disk = new MemoryDisk();
    await open(disk);
    const [name = ""] = disk.names();
    for (let size = disk.size(name) - 1; size >= 0; size--) {
      const torn = disk.copy();
      torn.cut(name, size);
      const again = await open(torn);
      assert.deepEqual(again.initialState.snapshot, initial, `cut at ${size}`);
      await again.save({ hardState: hardState(1), entries: entriesOf([1]) });
      assert.deepEqual(terms((await open(torn)).initialState.entries), [1]);
    }
  });

  it("takes zeros at the end for a write that was cut short", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.save({ hardState: hardState(1), entries: entriesOf([1]) });
    const [name = ""] = disk.names();
    disk.extend(name, new Uint8Array(500));
    assert.deepEqual(terms((await open(disk)).initialState.entries), [1]);
  });

  it("refuses damage anywhere but in the last write, with file and offset", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.save({ hardState: hardState(1), entries: entriesOf([1]) });
    const [name = ""] = disk.names();
    const last = disk.size(name);
    await storage.save({ hardState: hardState(1), entries: entriesOf([1], 2) });
    for (let at = 0; at < last; at++) {
      const damaged = disk.copy();
      damaged.flip(name, at);
      await assert.rejects(open(damaged), /raft log raft\/log-0000000000000001 is damaged at byte \d+/, `byte ${at}`);
    }
    for (let at = last; at < disk.size(name); at++) {
      const damaged = disk.copy();
      damaged.flip(name, at);
      assert.deepEqual(terms((await open(damaged)).initialState.entries), [1], `byte ${at}`);
    }
  });

  it("begins a new segment when one is full, and removes those that a snapshot covers", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk, { segmentBytesMax: 100 });
    for (let index = 1; index <= 30; index++)
      await storage.save({ hardState: hardState(1, index), entries: entriesOf([1], index) });
    const before = disk.names().length;
    assert.ok(before > 5, `${before} segments`);
    await snapshotAt(storage, 25, { compactTo: 20 });
    const left = disk.names().filter(name => name.includes("log-"));
    assert.ok(left.length <= before - 5, `${left.length} of ${before} are left`);
    const again = await open(disk, { segmentBytesMax: 100 });
    const { baseIndex, entries, snapshot } = again.initialState;
    // The first entry left serves to tell the term before the second.
    assert.ok(baseIndex <= 21 && baseIndex + entries.length === 30 && entries[0]?.index === baseIndex + 1);
    assert.deepEqual([snapshot, again.initialState.baseTerm], [meta(25, 1), 1]);
    await again.save({ hardState: hardState(1, 31), entries: entriesOf([1], 31) });
    assert.equal((await open(disk)).initialState.entries.at(-1)?.index, 31);
  });

  it("refuses a log with a segment missing, or damaged before the last", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk, { segmentBytesMax: 100 });
    for (let index = 1; index <= 10; index++) await storage.save({ hardState: hardState(1), entries: entriesOf([1], index) });
    const names = disk.names();
    const gap = disk.copy();
    await gap.remove(names[1] ?? "");
    await assert.rejects(open(gap), /the segment after it is missing/);
    const cut = disk.copy();
    cut.cut(names[1] ?? "", cut.size(names[1] ?? "") - 1);
    await assert.rejects(open(cut), /is damaged at byte/);
  });

  it("replays a log whose beginning was replaced and is compacted away", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk, { segmentBytesMax: 60 });
    await storage.save({ hardState: hardState(1, 2), entries: entriesOf([1, 1, 1, 1]) });
    await storage.save({ hardState: hardState(1, 2), entries: entriesOf([1, 1], 5) });
    await storage.save({ hardState: hardState(2, 2), entries: entriesOf([2, 2, 2, 2], 3) });
    await storage.save({ hardState: hardState(2, 6), entries: [] });
    await snapshotAt(storage, 6, { term: 2 });
    const { initialState } = await open(disk);
    assert.deepEqual([initialState.snapshot.index, initialState.baseIndex + initialState.entries.length], [6, 6]);
  });

  it("puts the leader's snapshot in the log's place and goes on behind it", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.save({ hardState: hardState(1), entries: entriesOf([1, 1, 1]) });
    const written = await storage.writeSnapshot(meta(9, 4), chunks("a", "b"));
    await storage.installSnapshot(written, { hardState: hardState(5, 10), entries: entriesOf([5], 10) });
    const again = await open(disk);
    const { baseIndex, baseTerm, entries } = again.initialState;
    assert.deepEqual([baseIndex, baseTerm, terms(entries), again.initialState.hardState], [9, 4, [5], hardState(5, 10)]);
    assert.deepEqual(await textsOf(again), ["a", "b"]);
  });

  it("finds its way when a crash came between the leader's snapshot and the log", async () => {
    for (const before of [
      [1, 1, 1],
      [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ]) {
      const disk = new MemoryDisk();
      const storage = await open(disk);
      await storage.save({ hardState: hardState(1), entries: entriesOf(before) });
      await storage.publishSnapshot(await storage.writeSnapshot(meta(9, 4), chunks("a")), { compactTo: 0 });
      for (const storageAfter of [await open(disk), await open(disk)]) {
        const { baseIndex, baseTerm, entries } = storageAfter.initialState;
        assert.deepEqual([baseIndex, baseTerm, entries, storageAfter.initialState.hardState], [9, 4, [], hardState(4)]);
      }
      const again = await open(disk);
      await again.save({ hardState: hardState(4), entries: entriesOf([4], 10) });
      assert.deepEqual(terms((await open(disk)).initialState.entries), [4]);
    }
  });

  it("keeps its vote beside a snapshot of the same term, and has none in a newer one", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.save({ hardState: hardState(3, 2, 2), entries: entriesOf([3, 3]) });
    await snapshotAt(storage, 2, { term: 3, compactTo: 0 });
    assert.deepEqual((await open(disk)).initialState.hardState, hardState(3, 2, 2));
    await snapshotAt(storage, 5, { term: 4, compactTo: 0 });
    assert.deepEqual((await open(disk)).initialState.hardState, hardState(4, 2));
  });

  it("goes on with the members it is told, and all of its log committed, when the others are lost", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.save({ hardState: hardState(3, 1, 2), entries: entriesOf([3, 3]) });
    const [onlyMember = assert.fail()] = membersOf([1]);
    for (const each of [await open(disk, { onlyMember }), await open(disk)]) {
      const { entries, hardState: after } = each.initialState;
      assert.deepEqual([terms(entries), after, entries[2]?.kind], [[3, 3, 4], hardState(4, 3), "membership"]);
      assert.deepEqual(decodeMembers(entries[2]?.data ?? assert.fail()), [onlyMember]);
    }
  });

  it("keeps the newest snapshot alone, and one that is being read until it is read", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.save({ hardState: hardState(1, 9), entries: entriesOf([1, 1, 1, 1, 1, 1, 1, 1, 1]) });
    await snapshotAt(storage, 3);
    const reading = storage.readSnapshot(storage.snapshot ?? assert.fail())[Symbol.asyncIterator]();
    assert.equal(Buffer.from((await reading.next()).value).toString(), "one");
    await snapshotAt(storage, 6);
    const manifests = () => disk.names().filter(name => name.endsWith(".manifest")).length;
    assert.equal(manifests(), 2);
    assert.equal(Buffer.from((await reading.next()).value).toString(), "two");
    assert.equal((await reading.next()).done, true);
    assert.equal(manifests(), 1);
    assert.equal(await storage.publishSnapshot(await storage.writeSnapshot(meta(5, 1), chunks("old")), { compactTo: 0 }), false);
    assert.equal(storage.snapshot?.meta.index, 6);
    assert.deepEqual(await textsOf(storage), ["one", "two"]);
  });

  it("keeps as many older snapshots as it is told to, over a restart too", async () => {
    const disk = new MemoryDisk();
    let count = 2;
    const keepSnapshots = () => count;
    const manifests = () =>
      disk.names().flatMap(name => (name.endsWith(".manifest") ? [Number(name.replace(/.*snapshot-(\d{16})-.*/, "$1"))] : []));
    const storage = await open(disk, { keepSnapshots });
    await storage.save({ hardState: hardState(1, 9), entries: entriesOf([1, 1, 1, 1, 1, 1, 1, 1, 1]) });
    for (const index of [2, 4, 6, 8]) await snapshotAt(storage, index);
    assert.deepEqual(manifests(), [4, 6, 8]);
    const again = await open(disk, { keepSnapshots });
    assert.equal(again.snapshot?.meta.index, 8);
    assert.deepEqual(manifests(), [4, 6, 8]);
    count = 1;
    await snapshotAt(again, 9);
    assert.deepEqual(manifests(), [8, 9]);
    assert.equal(disk.names().filter(name => name.includes(".part-")).length, 2);
  });

  it("removes at the start what is left of snapshots that were not finished", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await storage.save({ hardState: hardState(1, 3), entries: entriesOf([1, 1, 1]) });
    await storage.writeSnapshot(meta(2, 1), chunks("a"));
    assert.equal(disk.names().length, 2);
    assert.equal((await open(disk)).snapshot, undefined);
    assert.equal(disk.names().length, 1);
  });

  it("leaves nothing of a snapshot whose source fails", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new Error("the stream broke");
    }
    await assert.rejects(storage.writeSnapshot(meta(2, 1), failing()), /the stream broke/);
    assert.equal(disk.names().length, 1);
  });

  it("refuses a damaged snapshot, and a log whose snapshot is gone", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk, { segmentBytesMax: 50 });
    for (let index = 1; index <= 9; index++)
      await storage.save({ hardState: hardState(1, index), entries: entriesOf([1], index) });
    await snapshotAt(storage, 8);
    const [manifest = "", part = ""] = disk.names().filter(name => name.includes("snapshot"));
    const damaged = disk.copy();
    damaged.flip(part, 20);
    await assert.rejects(textsOf(await open(damaged)), /raft snapshot .* is damaged at byte/);
    const short = disk.copy();
    short.cut(part, 15);
    await assert.rejects(textsOf(await open(short)), /is damaged at byte/);
    const gone = disk.copy();
    await gone.remove(manifest);
    await assert.rejects(open(gone), /relies on is missing/);
  });

  it("refuses another member's log, and a log that lost committed entries", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await assert.rejects(open(disk, { raftId: 2 }), /belongs to raft member 1, not 2/);
    await storage.save({ hardState: hardState(1, 7), entries: entriesOf([1]) });
    await assert.rejects(open(disk), /ends at 1, before the committed entry 7/);
  });
});
