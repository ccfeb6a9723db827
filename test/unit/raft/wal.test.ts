import assert from "node:assert/strict";
import { WriteAheadLog } from "../../../src/raft/wal.ts";
import { entriesOf } from "./cores.ts";
import { MemoryDisk } from "./memory-disk.ts";

/** Each write but the first meets a full segment. */
const SEGMENT_BYTES_MAX = 1;
const open = (disk: MemoryDisk) =>
  WriteAheadLog.open({ disk, directory: "raft", raftId: 1, cipher: undefined, segmentBytesMax: SEGMENT_BYTES_MAX });

/** Three segments with one entry each; term and vote are told in the first alone. */
async function threeSegments(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
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

  it("refuses a log with a gap between its entries", async () => {
    const disk = new MemoryDisk();
    const { wal } = await open(disk);
    await wal.write({ hardState: undefined, entries: entriesOf([1]) });
    await wal.write({ hardState: undefined, entries: entriesOf([1], 3) });
    await wal[Symbol.asyncDispose]();
    await assert.rejects(open(disk), /is damaged at byte \d+: entry 3 does not follow what is before it/);
  });
});
