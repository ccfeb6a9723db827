import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isThere } from "../../../../src/engine/files/is-there.ts";
import type { ImageArchives } from "../../../../src/engine/images/effects.ts";
import { Trash } from "../../../../src/engine/images/trash.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

describe("files that go", () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "shoal-trash-"))));
  afterEach(() => rmSync(root, { recursive: true }));

  it("are all removed that can be, when one cannot be moved away", async () => {
    mkdirSync(join(root, "trash"));
    for (const name of ["a", "file", "z"]) writeFileSync(join(root, name), "");
    const archives = {
      remove: async (paths: readonly string[]) => paths.forEach(path => rmSync(path)),
    } as unknown as ImageArchives;
    const trash = new Trash(join(root, "trash"), { archives, log: SILENT });
    const paths = ["a", "file/below", "missing", "z"].map(name => join(root, name));
    await assert.rejects(trash.throwAway(paths), { code: "ENOTDIR" });
    await trash.settle();
    assert.deepEqual(
      ["a", "file", "z"].map(name => existsSync(join(root, name))),
      [false, true, false],
    );
    assert.equal(existsSync(join(root, "trash/gone-0")), false);
  });

  it("are not taken for missing where that cannot be known", async () => {
    symlinkSync("loop", join(root, "loop"));
    writeFileSync(join(root, "file"), "");
    assert.deepEqual(
      [await isThere(root), await isThere(join(root, "no")), await isThere(join(root, "file/x"))],
      [true, false, false],
    );
    await assert.rejects(isThere(join(root, "loop")), { code: "ELOOP" });
  });
});
