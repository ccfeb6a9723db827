import assert from "node:assert/strict";
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFolderIn } from "../../../src/system/archive/tree-reader.ts";

describe("a folder of a tree that is read", () => {
  let root: string;
  let fd: number;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "shoal-tree-"));
    fd = openSync(root, constants.O_RDONLY);
  });
  afterEach(() => {
    closeSync(fd);
    rmSync(root, { recursive: true });
  });

  const open = (name: string) => openFolderIn(fd, Buffer.from(name));

  it("is passed over where something else has taken its place, or nothing", () => {
    mkdirSync(join(root, "folder"));
    writeFileSync(join(root, "file"), "");
    symlinkSync("folder", join(root, "link"));
    const opened = open("folder");
    assert.ok(opened !== undefined);
    closeSync(opened);
    assert.deepEqual(["file", "link", "missing"].map(open), [undefined, undefined, undefined]);
  });

  it("is not passed over with all that is in it when it cannot be opened", () => {
    assert.throws(() => open("x".repeat(300)), { code: "ENAMETOOLONG" });
  });
});
