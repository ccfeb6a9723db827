import assert from "node:assert/strict";
import { readBackup, writeBackup } from "../../../src/daemon/swarm/backup-file.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";

const random = new SeededRandom(7);
const unlockKey = Buffer.alloc(32, 7);
const chunks = [Buffer.from("first"), Buffer.alloc(300 * 1024, "x"), Buffer.from("last")];
const header = { clusterId: "cluster1", createdAtMs: 5 };

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function written(options: { readonly unlockKey?: Uint8Array; readonly chunks?: readonly Buffer[] } = {}): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const from = each(options.chunks ?? chunks);
  for await (const part of writeBackup(from, { ...header, unlockKey: options.unlockKey, random })) parts.push(part);
  return Buffer.concat(parts);
}

/** In pieces of a size that fits no part. */
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
}

async function read(bytes: Buffer, key?: Uint8Array): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const chunk of readBackup(each(pieces(bytes)), { unlockKey: key, random })) found.push(chunk);
  return found;
}

describe("a backup of a swarm", () => {
  for (const [what, key] of [
    ["without an unlock key", undefined],
    ["under an unlock key", unlockKey],
  ] as const) {
    it(`is read as it was written ${what}`, async () => {
      const bytes = await written(key === undefined ? {} : { unlockKey: key });
      assert.deepEqual(await read(bytes, key), chunks);
    });

    it(`is refused ${what} wherever it was cut off or one bit is another`, async () => {
      const bytes = await written({ ...(key !== undefined && { unlockKey: key }), chunks: [Buffer.from("a"), Buffer.from("b")] });
      for (let at = 0; at < bytes.length; at++) {
        await assert.rejects(read(bytes.subarray(0, at), key), { kind: "invalid" }, `cut at ${at}`);
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 4;
        await assert.rejects(read(changed, key), /^OperationError: (the backup|this is no backup)/, `changed at ${at}`);
      }
      await assert.rejects(read(Buffer.concat([bytes, Buffer.from("x")]), key), { message: "the backup goes on after its end" });
    });
  }

  it("is refused when parts of it have changed places", async () => {
    const sized = [Buffer.from("aa"), Buffer.from("bb")];
    const bytes = await written({ chunks: sized });
    const part = 4 + 44 + 4 + 2;
    const end = bytes.length - (4 + 44 + 4 + 4);
    const first = bytes.subarray(end - 2 * part, end - part);
    const second = bytes.subarray(end - part, end);
    const swapped = Buffer.concat([bytes.subarray(0, end - 2 * part), second, first, bytes.subarray(end)]);
    assert.equal(swapped.length, bytes.length);
    await assert.rejects(read(swapped), { message: "the backup is damaged" });
  });

  it("holds nothing that can be read without the unlock key, and asks for it", async () => {
    const bytes = await written({ unlockKey });
    assert.ok(!bytes.includes("xxxx"));
    assert.ok(!bytes.includes(unlockKey.toString("base64")));
    await assert.rejects(read(bytes), { kind: "unauthorized", message: /unlock key that its swarm had is needed/ });
    for (const wrong of [Buffer.alloc(32, 8), Buffer.alloc(5)])
      await assert.rejects(read(bytes, wrong), { kind: "unauthorized", message: /invalid key provided/ });
  });

  it("is told from what is no backup, and from one of a later version", async () => {
    for (const foreign of [Buffer.alloc(0), Buffer.from("PK\u0003\u0004 an archive of some kind"), Buffer.alloc(5000)])
      await assert.rejects(read(foreign), { message: "this is no backup of a swarm" });
    const later = Buffer.from(await written());
    later.write('"format":9', later.indexOf('"format":1'));
    await assert.rejects(read(later), { message: "the backup is in format 9, which a later version wrote" });
  });
});
