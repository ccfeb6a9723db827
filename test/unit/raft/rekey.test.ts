import assert from "node:assert/strict";
import { RaftStorage, type RaftStorageOptions } from "../../../src/raft/storage.ts";
import type { Entry } from "../../../src/raft/types.ts";
import { DataCipher, type DataKey } from "../../../src/system/data-cipher.ts";
import { systemRandom } from "../../../src/system/random.ts";
import { membersOf } from "./cores.ts";
import { MemoryDisk } from "./memory-disk.ts";

const MARKER = "a secret that is long enough to be found";
const initial = { index: 0, term: 0, members: membersOf([1, 2, 3]) };
const keys = (...ids: readonly number[]): readonly DataKey[] => ids.map(id => ({ id, key: new Uint8Array(32).fill(id) }));
const cipherOf = (...ids: readonly number[]) => new DataCipher(keys(...ids), systemRandom);
const open = (disk: MemoryDisk, cipher?: DataCipher, more: Pick<RaftStorageOptions, "keepSnapshots"> = {}) =>
  RaftStorage.open({ disk, directory: "raft", raftId: 1, initial, ...(cipher && { cipher }), ...more });
const entry = (index: number): Entry => ({ index, term: 1, kind: "data", data: Buffer.from(`${MARKER} ${index}`) });
const indexes = ({ initialState }: RaftStorage) => initialState.entries.map(({ index }) => index);

async function save(storage: RaftStorage, ...at: readonly number[]): Promise<void> {
  for (const index of at) await storage.save({ hardState: { term: 1, vote: 0, commit: index }, entries: [entry(index)] });
}

async function* chunks(index: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${MARKER}, up to ${index}`);
}

async function snapshot(storage: RaftStorage, index: number): Promise<void> {
  const meta = { index, term: 1, members: membersOf([1, 2, 3]) };
  await storage.publishSnapshot(await storage.writeSnapshot(meta, chunks(index)), { compactTo: 0 });
}

async function snapshotText(storage: RaftStorage): Promise<string | undefined> {
  if (storage.snapshot === undefined) return undefined;
  let text = "";
  for await (const chunk of storage.readSnapshot(storage.snapshot)) text += Buffer.from(chunk).toString();
  return text;
}

/** All that a disk's files hold. */
async function everything(disk: MemoryDisk): Promise<Buffer> {
  return Buffer.concat(await Promise.all(disk.names().map(async name => (await disk.read(name)) ?? new Uint8Array())));
}

/** Loses power before its nth change. */
class FailingDisk extends MemoryDisk {
  stepsLeft = Infinity;
  step(): void {
    if (this.stepsLeft-- <= 0) throw new Error("power is lost");
  }
  override async replace(path: string, content: Uint8Array): Promise<void> {
    this.step();
    await super.replace(path, content);
  }
  override async remove(path: string): Promise<void> {
    this.step();
    await super.remove(path);
  }
  override async openAppend(path: string) {
    this.step();
    const file = await super.openAppend(path);
    return {
      ...file,
      append: async (content: Uint8Array) => {
        this.step();
        return await file.append(content);
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
}

describe("RaftStorage with a cipher", () => {
  it("writes nothing readable, and reads it back", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk, cipherOf(1));
    await save(storage, 1, 2);
    await snapshot(storage, 1);
    assert.ok(!(await everything(disk)).includes(MARKER));
    const again = await open(disk, cipherOf(1));
    assert.deepEqual([indexes(again), await snapshotText(again)], [[1, 2], `${MARKER}, up to 1`]);
  });

  it("is refused without the key, with another one, and when a record was changed", async () => {
    const disk = new MemoryDisk();
    await save(await open(disk, cipherOf(1)), 1, 2);
    await assert.rejects(open(disk), /raft log raft\/log-0000000000000001 is encrypted: a key is needed/);
    await assert.rejects(open(disk, cipherOf(2)), /is damaged at byte 8: it is sealed with data key 1, which is not here/);
    const wrong = new DataCipher([{ id: 1, key: new Uint8Array(32) }], systemRandom);
    await assert.rejects(open(disk, wrong), /is damaged at byte 8: sealed data does not open/);
  });

  it("is refused without the key when a snapshot is there", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk, cipherOf(1));
    await save(storage, 1);
    await snapshot(storage, 1);
    await assert.rejects(open(disk), /snapshot-\S+\.manifest is encrypted: a key is needed/);
  });

  it("cuts a sealed record that a crash cut short", async () => {
    const disk = new MemoryDisk();
    const storage = await open(disk, cipherOf(1));
    await save(storage, 1);
    const [name = ""] = disk.names();
    const whole = disk.size(name);
    await save(storage, 2);
    for (let size = disk.size(name) - 1; size >= whole; size--) {
      const torn = disk.copy();
      torn.cut(name, size);
      assert.deepEqual(indexes(await open(torn, cipherOf(1))), [1], `cut at ${size}`);
    }
  });

  for (const from of ["a key before it", "no key at all, as the first version wrote"]) {
    it(`goes over to a new key from ${from}, and needs the old one no more; wherever a crash comes, all is there`, async () => {
      const isPlain = from.startsWith("no");
      let stepCount = 0;
      for (let steps = 0; stepCount === 0; steps++) {
        const disk = new FailingDisk();
        const before = await open(disk, isPlain ? undefined : cipherOf(1));
        await save(before, 1, 2);
        await snapshot(before, 1);
        await save(before, 3);
        disk.stepsLeft = steps;
        const cipher = isPlain ? cipherOf(2) : cipherOf(1, 2);
        let storage: RaftStorage | undefined;
        const rekey = async () => {
          storage = await open(disk, cipher);
          await storage.roll();
          if (storage.isRekeyDue) await snapshot(storage, 3);
          return storage;
        };
        const outcome = await rekey().catch((error: unknown) => error);
        if (outcome instanceof RaftStorage) stepCount = steps;
        else assert.match(String(outcome), /power is lost/, `step ${steps}`);
        disk.stepsLeft = Infinity;
        if (!isPlain && storage !== undefined) {
          // What it said is needed is enough.
          const needed = [1, 2].filter(id => id >= (storage?.oldestKeyId ?? 0));
          assert.equal((await open(disk.copy(), cipherOf(...needed))).initialState.hardState.commit, 3, `step ${steps}`);
        }
        const after = await rekey();
        assert.deepEqual([after.oldestKeyId, after.isRekeyDue], [2, false], `step ${steps}`);
        const reopened = await open(disk, cipherOf(2));
        assert.equal(await snapshotText(reopened), `${MARKER}, up to 3`, `step ${steps}`);
        assert.equal(reopened.initialState.hardState.commit, 3, `step ${steps}`);
        assert.ok(!(await everything(disk)).includes(MARKER), `step ${steps}`);
      }
      assert.ok(stepCount > 5, `${stepCount} steps`);
    });
  }

  it("needs an old key while a segment with entries behind the snapshot is sealed with it", async () => {
    const disk = new MemoryDisk();
    const cipher = cipherOf(1);
    const storage = await open(disk, cipher);
    await save(storage, 1, 2);
    cipher.use(keys(1, 2));
    assert.deepEqual([storage.isRekeyDue, storage.isRollDue], [true, true]);
    await save(storage, 3);
    await snapshot(storage, 1);
    assert.equal(storage.oldestKeyId, 1);
    await snapshot(storage, 2);
    assert.equal(storage.oldestKeyId, 2);
    assert.deepEqual(indexes(await open(disk, cipherOf(2))), [3]);
    assert.equal((await open(disk, cipherOf(2))).initialState.hardState.commit, 3);
  });

  it("replaces a snapshot of the same state that is sealed with an older key, and needs that key while it is read", async () => {
    const disk = new MemoryDisk();
    const cipher = cipherOf(1);
    const storage = await open(disk, cipher);
    await save(storage, 1);
    await snapshot(storage, 1);
    const reading = storage.readSnapshot(storage.snapshot ?? assert.fail())[Symbol.asyncIterator]();
    await reading.next();
    cipher.use(keys(1, 2));
    await storage.roll();
    await snapshot(storage, 1);
    assert.equal(storage.oldestKeyId, 1);
    await reading.next();
    assert.equal(storage.oldestKeyId, 2);
  });

  it("keeps its snapshot when another of the same state comes that is sealed with no newer key", async () => {
    const disk = new MemoryDisk();
    const cipher = cipherOf(1);
    const storage = await open(disk, cipher);
    await save(storage, 1);
    const meta = { index: 1, term: 1, members: membersOf([1, 2, 3]) };
    const late = await storage.writeSnapshot(meta, chunks(1));
    cipher.use(keys(1, 2));
    await storage.roll();
    await snapshot(storage, 1);
    assert.equal(await storage.publishSnapshot(late, { compactTo: 0 }), false);
    assert.equal(storage.oldestKeyId, 2);
    assert.equal(await snapshotText(await open(disk, cipherOf(2))), `${MARKER}, up to 1`);
  });

  it("keeps no older snapshot that is sealed with an older key", async () => {
    const disk = new MemoryDisk();
    const cipher = cipherOf(1);
    const storage = await open(disk, cipher, { keepSnapshots: () => 5 });
    await save(storage, 1);
    await snapshot(storage, 1);
    await save(storage, 2);
    await snapshot(storage, 2);
    assert.equal(disk.names().filter(name => name.endsWith(".manifest")).length, 2);
    cipher.use(keys(1, 2));
    await storage.roll();
    await save(storage, 3);
    await snapshot(storage, 3);
    assert.equal(disk.names().filter(name => name.endsWith(".manifest")).length, 1);
    assert.equal(storage.oldestKeyId, 2);
  });

  it("needs the key of a snapshot that was read to the end until that is removed, and all that is left can be read", async () => {
    const disk = new FailingDisk();
    const cipher = cipherOf(1);
    const storage = await open(disk, cipher);
    await save(storage, 1);
    await snapshot(storage, 1);
    const reading = storage.readSnapshot(storage.snapshot ?? assert.fail())[Symbol.asyncIterator]();
    await reading.next();
    cipher.use(keys(1, 2));
    await storage.roll();
    await snapshot(storage, 1);
    disk.stepsLeft = 0;
    await assert.rejects(async () => reading.next(), /power is lost/);
    assert.equal(storage.oldestKeyId, 1);
    disk.stepsLeft = Infinity;
    await open(disk, cipherOf(1, 2));
    assert.equal(await snapshotText(await open(disk, cipherOf(2))), `${MARKER}, up to 1`);
  });

  it("needs the key of a snapshot that is being written", async () => {
    const cipher = cipherOf(1);
    const storage = await open(new MemoryDisk(), cipher);
    await save(storage, 1);
    async function* rotating(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("one");
      cipher.use(keys(1, 2));
      yield Buffer.from("two");
    }
    const meta = { index: 1, term: 1, members: membersOf([1, 2, 3]) };
    const written = await storage.writeSnapshot(meta, rotating());
    await storage.roll();
    assert.equal(storage.oldestKeyId, 1);
    await storage.publishSnapshot(written, { compactTo: 0 });
    assert.equal(storage.oldestKeyId, 1);
    assert.equal(await snapshotText(storage), "onetwo");
  });
});
