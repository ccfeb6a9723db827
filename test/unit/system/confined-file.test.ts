import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfinedFile } from "../../../src/system/confined-file.ts";
import { KnownTexts } from "../../../src/system/known-texts.ts";

const aFile = { dev: 1n, ino: 2n, size: 3n, mtimeNs: 4n, ctimeNs: 5_000_000n, ctimeMs: 5n };
const LATER_MS = 10_000;

describe("KnownTexts", () => {
  it("knows a text until anything of its file changes", () => {
    const known = new KnownTexts();
    known.add(aFile, { text: "a", readAtMs: LATER_MS });
    assert.equal(known.get(aFile), "a");
    for (const key of ["dev", "ino", "size", "mtimeNs", "ctimeNs"] as const)
      assert.equal(known.get({ ...aFile, [key]: 99n }), undefined, key);
  });

  it("does not keep one of a file that changed just before it was read, nor a long one", () => {
    const known = new KnownTexts();
    known.add(aFile, { text: "a", readAtMs: 1004 });
    assert.equal(known.get(aFile), undefined);
    known.add(aFile, { text: "a", readAtMs: 1005 });
    assert.equal(known.get(aFile), "a");
    known.add({ ...aFile, ino: 3n }, { text: "a".repeat(16 * 1024 + 1), readAtMs: LATER_MS });
    assert.equal(known.get({ ...aFile, ino: 3n }), undefined);
  });

  it("lets go of the one that was not asked for the longest", () => {
    const known = new KnownTexts();
    const file = (ino: number) => ({ ...aFile, ino: BigInt(ino) });
    for (let ino = 0; ino < 256; ino++) known.add(file(ino), { text: String(ino), readAtMs: LATER_MS });
    known.get(file(0));
    known.add(file(256), { text: "256", readAtMs: LATER_MS });
    assert.deepEqual(
      [0, 1, 2, 256].map(ino => known.get(file(ino))),
      ["0", undefined, "2", "256"],
    );
  });
});

describe("readConfinedFile", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "shoal-confined-"));
    mkdirSync(join(root, "etc"));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const read = (path = "/etc/passwd", bytesMax = 100) => readConfinedFile(root, { path, bytesMax });

  it("sees what was written a moment ago, of the same length too", async () => {
    const path = join(root, "etc/passwd");
    for (let round = 0; round < 50; round++) {
      writeFileSync(path, `round ${String(round).padStart(2, "0")}`);
      assert.equal(await read(), `round ${String(round).padStart(2, "0")}`);
    }
  });

  it("sees a change of one that it has known for long, also where its times were put back", async () => {
    const path = join(root, "etc/passwd");
    writeFileSync(path, "old");
    await new Promise(resolve => setTimeout(resolve, 1100));
    assert.deepEqual([await read(), await read()], ["old", "old"]);
    const { atime, mtime } = statSync(path);
    writeFileSync(path, "new");
    utimesSync(path, atime, mtime);
    assert.equal(await read(), "new");
  });

  it("reads inside alone, and what is a file of that length", async () => {
    writeFileSync(join(root, "etc/passwd"), "inside");
    symlinkSync("/etc/passwd", join(root, "link"));
    assert.equal(await read("/link"), "inside");
    assert.deepEqual([await read("/etc"), await read("/nothing")], [undefined, undefined]);
    await assert.rejects(read("/etc/passwd", 5), { kind: "invalid", message: "/etc/passwd is larger than 5 bytes" });
  });
});
