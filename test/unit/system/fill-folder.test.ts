import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConfinedRoot, openFolderRoot } from "../../../src/system/archive/confined-root.ts";
import { fillFolder } from "../../../src/system/archive/fill-folder.ts";
import { getXattr, setXattr } from "../../../src/system/archive/node-calls.ts";

describe("filling an empty folder with what a tree has", () => {
  let directory: string;
  let from: ConfinedRoot;
  let to: ConfinedRoot;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "shoal-fill-"));
    for (const name of ["tree/d/e", "tree/links", "folder"]) mkdirSync(join(directory, name), { recursive: true });
    writeFileSync(join(directory, "tree/d/e/file"), "content");
    chmodSync(join(directory, "tree/d"), 0o2751);
    from = openFolderRoot(join(directory, "tree"));
    to = openFolderRoot(join(directory, "folder"));
  });
  afterEach(() => {
    from.close();
    to.close();
    rmSync(directory, { recursive: true });
  });

  it("brings files, with what users note on them, and the folder's mode", () => {
    for (const name of ["d", "d/e/file"]) setXattr(Buffer.from(join(directory, "tree", name)), "user.note", Buffer.from(name));
    fillFolder(from, to, "/d");
    assert.equal(readFileSync(join(directory, "folder/e/file"), "utf8"), "content");
    assert.equal(statSync(join(directory, "folder")).mode & 0o7777, 0o2751);
    assert.equal(getXattr(Buffer.from(join(directory, "folder/e/file")), "user.note")?.toString(), "d/e/file");
  });

  it("follows the tree's links inside of the tree", () => {
    symlinkSync("/d", join(directory, "tree/links/absolute"));
    fillFolder(from, to, "/links/absolute");
    assert.deepEqual(readdirSync(join(directory, "folder")), ["e"]);
  });

  for (const path of ["/missing", "/missing/below", "/d/e/file", "/d/e/file/below"]) {
    it(`does nothing where the tree has no folder: ${path}`, () => {
      chmodSync(join(directory, "folder"), 0o700);
      fillFolder(from, to, path);
      assert.deepEqual([readdirSync(join(directory, "folder")), statSync(join(directory, "folder")).mode & 0o777], [[], 0o700]);
    });
  }

  it("says what cannot be read of a file, which is not the same as what is not there", () => {
    const file = Buffer.from(join(directory, "tree/d/e/file"));
    assert.equal(getXattr(file, "user.note"), undefined);
    assert.equal(getXattr(Buffer.from(join(directory, "missing")), "user.note"), undefined);
    assert.throws(() => getXattr(Buffer.from(`/${"x".repeat(5000)}`), "user.note"), { code: "ENAMETOOLONG" });
    assert.throws(() => getXattr(file, `user.${"x".repeat(300)}`), { code: "ERANGE" });
  });

  it("leaves a folder that is not empty as it is", () => {
    writeFileSync(join(directory, "folder/own"), "");
    fillFolder(from, to, "/d");
    assert.deepEqual(readdirSync(join(directory, "folder")), ["own"]);
  });
});
