import assert from "node:assert/strict";
import { isDiskFull } from "../../../src/raft/disk-health.ts";
import { WriteAheadLog } from "../../../src/raft/wal.ts";
import { entriesOf } from "./cores.ts";
import { MemoryDisk } from "./memory-disk.ts";

/** Each write but the first meets a full segment. */
const SEGMENT_BYTES_MAX = 1;
const open = (disk: MemoryDisk) =>
  WriteAheadLog.open({ disk, directory: "raft", raftId: 1, cipher: undefined, segmentBytesMax: SEGMENT_BYTES_MAX });

/** Three segments with one entry each; term and vote are told in the first alone. */
async function threeSegments(disk = new MemoryDisk()): Promise<MemoryDisk> {
  const { wal } = await open(disk);
  await wal.write({ hardState: { term: 5, vote: 2, commit: 0 }, entries: entriesOf([5]) });
  await wal.write({ hardState: undefined, entries: entriesOf([5], 2) });
  await wal.write({ hardState: undefined, entries: entriesOf([5], 3) });
  await wal[Symbol.asyncDispose]();
  assert.equal(disk.names().length, 3);
  return disk;
}

describe("WriteAheadLog", () => {
  it("keeps term and vote when the segment that told them is compacted away", async () => {
    const disk = await threeSegments();
    const { wal } = await open(disk);
    await wal.compactTo(1);
    assert.equal(disk.names().length, 2);
    const { content } = await open(disk);
    assert.deepEqual(content?.hardState, { term: 5, vote: 2, commit: 0 });
  });

  it("keeps a segment that holds a later entry, also after it was opened again", async () => {
    const disk = await threeSegments();
    const { wal } = await open(disk);
    await wal.compactTo(1);
    const { content } = await open(disk);
    assert.deepEqual(
      content?.entries.map(({ index }) => index),
      [2, 3],
    );
  });

  it("begins at a snapshot that took the log's place, also where a crash left the segments before it", async () => {
    const disk = await threeSegments(
      new (class extends MemoryDisk {
        override async remove(): Promise<void> {}
      })(),
    );
    const { wal } = await open(disk);
    const members = [{ raftId: 1, address: "m1", isLearner: false }];
    await wal.startOver({ index: 10, term: 6, members }, { term: 6, vote: 0, commit: 10 });
    await wal[Symbol.asyncDispose]();
    assert.equal(disk.names().length, 4);
    const { content } = await open(disk);
    assert.deepEqual([content?.base?.index, content?.entries], [10, []]);
  });

  it("takes zeros behind the last frame for nothing, in the last segment and in those before it, and writes over them", async () => {
    const disk = await threeSegments();
    for (const name of disk.names()) disk.extend(name, new Uint8Array(200_000));
    const { wal, content } = await open(disk);
    assert.deepEqual(
      content?.entries.map(({ index }) => index),
      [1, 2, 3],
    );
    await wal.write({ hardState: undefined, entries: entriesOf([5], 4) });
    assert.equal((await open(disk)).content?.entries.length, 4);
  });

  it("refuses zeros in the place of what was written, and removes a cut frame in front of zeros", async () => {
    const disk = await threeSegments();
    const [first = "", , last = ""] = disk.names();
    const gap = disk.copy();
    gap.cut(first, gap.size(first) - 1);
    gap.extend(first, new Uint8Array(200));
    await assert.rejects(open(gap), /a record fails its checksum/);
    disk.cut(last, disk.size(last) - 1);
    disk.extend(last, new Uint8Array(200));
    const { content } = await open(disk);
    assert.equal(content?.entries.length, 2);
    assert.ok(disk.size(last) < 100);
  });

  it("refuses a log with a gap between its entries", async () => {
    const disk = new MemoryDisk();
    const { wal } = await open(disk);
    await wal.write({ hardState: undefined, entries: entriesOf([1]) });
    await wal.write({ hardState: undefined, entries: entriesOf([1], 3) });
    await wal[Symbol.asyncDispose]();
    await assert.rejects(open(disk), /is damaged at byte \d+: entry 3 does not follow what is before it/);
  });
});

describe("WriteAheadLog on a disk without room", () => {
  const batch = { hardState: { term: 2, vote: 1, commit: 1 }, entries: entriesOf([2, 2], 2) };

  for (const segmentBytesMax of [SEGMENT_BYTES_MAX, 1_000_000]) {
    it(`takes a cut write back and makes it later, ${segmentBytesMax === 1 ? "in a new segment" : "in the same segment"}`, async () => {
      for (let roomBytes = 0; roomBytes < 120; roomBytes++) {
        const disk = new MemoryDisk();
        const { wal } = await WriteAheadLog.open({ disk, directory: "raft", raftId: 1, cipher: undefined, segmentBytesMax });
        await wal.write({ hardState: { term: 1, vote: 0, commit: 0 }, entries: entriesOf([1]) });
        disk.roomBytes = roomBytes;
        const outcome = await wal.write(batch).catch((error: unknown) => error);
        if (outcome !== undefined) assert.ok(isDiskFull(outcome));
        const cut = await open(disk.copy());
        disk.roomBytes = Infinity;
        if (outcome !== undefined) {
          assert.deepEqual([cut.content?.entries.length, cut.content?.hardState.term], [1, 1]);
          await wal.write(batch);
        }
        const { content } = await open(disk);
        assert.deepEqual(
          content?.entries.map(({ index, term }) => [index, term]),
          [
            [1, 1],
            [2, 2],
            [3, 2],
          ],
        );
        assert.deepEqual(content?.hardState, batch.hardState);
      }
    });
  }

  it("does not take a sync that failed for a full disk, whatever it says", async () => {
    const disk = new MemoryDisk();
    const { wal } = await open(disk);
    disk.isSyncBroken = true;
    const failure = await wal.write(batch).catch((error: unknown) => error);
    assert.ok(failure instanceof Error && !isDiskFull(failure));
    assert.match(failure.message, /could not be synced/);
  });
});
