import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { errorKind } from "../../../src/lib/errors.ts";
import { contentsOf, missing, PLAIN, tar, Tree } from "./tree.ts";
import { skip } from "../../skip.ts";

const TIMES = 100;
/** Fast enough to hit any moment of a copy; it rests in both states, so that copies get through. */
const SWAP = `
  const { renameSync, rmSync, symlinkSync } = require("node:fs");
  const { folder, links } = require("node:worker_threads").workerData;
  const rest = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.3);
  const clear = () => {
    for (;;) {
      try {
        return rmSync(folder, { recursive: true, force: true });
      } catch (error) {
        if (error.code !== "ENOTEMPTY") throw error; // A copy put something in meanwhile.
      }
    }
  };
  const put = action => {
    for (;;) {
      try {
        return action();
      } catch {
        clear(); // A copy was faster and made a folder here.
      }
    }
  };
  for (let turn = 0; ; turn++) {
    renameSync(folder, folder + ".away");
    put(() => symlinkSync(links[turn % links.length], folder));
    if (turn % 3 === 0) rest();
    clear();
    put(() => renameSync(folder + ".away", folder));
    if (turn % 2 === 0) rest();
  }
`;
const { signal } = new AbortController();

describe("copying out of and into a tree that fights back", () => {
  let tree: Tree;
  before(function () {
    const reason = missing();
    if (reason !== undefined) {
      skip(this, reason);
    }
  });
  beforeEach(() => {
    tree = new Tree();
    writeFileSync(join(tree.outside, "secret"), "outside");
  });
  afterEach(() => tree[Symbol.asyncDispose]());

  /** As a client: what is not there at the moment is an error, and the only one. */
  async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      assert.ok(["not-found", "invalid"].includes(errorKind(error)), `unexpected: ${String(error)}`);
      return undefined;
    }
  }

  it(`never leaves it while a folder turns into links to elsewhere and back, ${TIMES} times each way`, async function () {
    this.timeout(110_000);
    mkdirSync(join(tree.root, "d"));
    writeFileSync(join(tree.root, "d/secret"), "inside");
    const root = tree.run("sleep 1000");
    const links = [tree.outside, `../../../../../../../..${tree.outside}`, "/tmp"];
    const swapper = new Worker(SWAP, { eval: true, workerData: { folder: join(tree.root, "d"), links } });
    let copies = 0;
    try {
      for (let time = 0; time < TIMES; time++) {
        const path = time % 2 === 0 ? "/d/secret" : "/d/.";
        const found = await attempt(async () => contentsOf((await tree.archives.readPath(root, { path, signal })).archive));
        for (const { content } of Object.values(found ?? {})) assert.notEqual(content, "outside");
        copies += found === undefined ? 0 : 1;
        const [target, prefix] = time % 2 === 0 ? ["/", "d/"] : ["/d", ""];
        const archive = tar(
          [{ type: "file", path: `${prefix}secret` }, "planted"],
          [{ type: "file", path: `${prefix}more/f` }, "x"],
        );
        await attempt(() => tree.archives.writePath(root, { path: target, archive, settings: PLAIN }));
      }
    } finally {
      await swapper.terminate();
    }
    assert.ok(copies > 0, "no copy was ever let through: nothing was tested");
    assert.deepEqual(readdirSync(tree.outside), ["secret"]);
    assert.equal(readFileSync(join(tree.outside, "secret"), "utf8"), "outside");
    assert.deepEqual(readdirSync(tree.directory).sort(), ["outside", "root"]);
    assert.deepEqual([existsSync("/more"), existsSync("/secret")], [false, false]);
  });

  for (const { name, member, refused } of [
    { name: "a name that climbs", member: { type: "file", path: "../../evil" }, refused: 'invalid entry name "../../evil"' },
    {
      name: "a hard link that climbs",
      member: { type: "hard-link", path: "x", linkPath: "../../outside/secret" },
      refused: 'invalid hardlink target "../../outside/secret"',
    },
  ] as const) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(tree.archives.writePath(tree.folder, { path: "/tmp", archive: tar([member, ""]), settings: PLAIN }), {
        kind: "invalid",
        message: refused,
      });
      assert.deepEqual(readdirSync(tree.directory).sort(), ["outside", "root"]);
    });
  }

  it("takes absolute names and links for ones of the tree", async () => {
    const archive = tar(
      [{ type: "file", path: "/abs" }, "1"],
      [{ type: "symlink", path: "out", linkPath: tree.outside }],
      [{ type: "symlink", path: "up", linkPath: "../../../../../../etc" }],
      [{ type: "file", path: "up/inside" }, "2"],
    );
    await tree.archives.writePath(tree.folder, { path: "/tmp", archive, settings: PLAIN });
    assert.equal(readFileSync(join(tree.root, "tmp/abs"), "utf8"), "1");
    assert.equal(readFileSync(join(tree.root, "etc/inside"), "utf8"), "2");
    assert.equal(existsSync("/etc/inside"), false);
  });

  it("does not write through a link that the tree put where the folder of an entry should be", async () => {
    symlinkSync(tree.outside, join(tree.root, "tmp/d"));
    const archive = tar([{ type: "file", path: "d/secret" }, "planted"]);
    await attempt(() => tree.archives.writePath(tree.folder, { path: "/tmp", archive, settings: PLAIN }));
    assert.equal(readFileSync(join(tree.outside, "secret"), "utf8"), "outside");
  });

  it("replaces a link, not what it leads to, and removes a folder without following links in it", async () => {
    symlinkSync(join(tree.outside, "secret"), join(tree.root, "tmp/link"));
    mkdirSync(join(tree.root, "tmp/folder"));
    symlinkSync(tree.outside, join(tree.root, "tmp/folder/out"));
    const archive = tar([{ type: "file", path: "link" }, "new"], [{ type: "file", path: "folder" }, "new"]);
    await tree.archives.writePath(tree.folder, { path: "/tmp", archive, settings: PLAIN });
    assert.equal(readFileSync(join(tree.outside, "secret"), "utf8"), "outside");
    assert.equal(lstatSync(join(tree.root, "tmp/folder")).isFile(), true);
  });

  it("reads no device, pipe or other process: a magic link is none of the tree's", async () => {
    mkdirSync(join(tree.root, "tmp/p"));
    symlinkSync("/proc/1/root/etc/passwd", join(tree.root, "tmp/p/host"));
    const { archive } = await tree.archives.readPath(tree.folder, { path: "/tmp/p", signal });
    assert.deepEqual(await contentsOf(archive), {
      "p/": { type: "directory", content: "", link: "" },
      "p/host": { type: "symlink", content: "", link: "/proc/1/root/etc/passwd" },
    });
    await assert.rejects(tree.archives.readPath(tree.folder, { path: "/tmp/p/host/", signal }), { kind: "not-found" });
  });

  it("runs no program of the tree to decompress", async () => {
    const marker = join(tree.directory, "ran");
    for (const name of ["gzip", "unpigz", "xz", "zstd"]) {
      rmSync(join(tree.root, "bin", name), { force: true });
      writeFileSync(join(tree.root, "bin", name), `#!/bin/sh\ntouch ${marker} /ran\n`, { mode: 0o755 });
    }
    const root = tree.run("sleep 100");
    const pieces: Uint8Array[] = [];
    for await (const bytes of tar([{ type: "file", path: "f" }, "zipped"])) pieces.push(bytes);
    async function* zipped() {
      yield gzipSync(Buffer.concat(pieces));
    }
    await tree.archives.writePath(root, { path: "/tmp", archive: zipped(), settings: PLAIN });
    assert.equal(readFileSync(join(tree.root, "tmp/f"), "utf8"), "zipped");
    assert.deepEqual([existsSync(marker), existsSync(join(tree.root, "ran"))], [false, false]);
  });

  it("leaves owner and mode of what is behind a mount as they are", async () => {
    const shared = join(tree.directory, "outside/shared");
    mkdirSync(shared);
    writeFileSync(join(shared, "kept"), "kept", { mode: 0o640 });
    chmodSync(shared, 0o751);
    const root = {
      kind: "folder",
      path: tree.root,
      mounts: [{ source: shared, destination: "/mnt/shared", isWritable: true }],
    } as const;
    await tree.archives.writePath(root, {
      path: "/mnt/shared",
      archive: tar([{ type: "file", path: "new" }, "n"]),
      settings: PLAIN,
    });
    assert.equal(readFileSync(join(shared, "new"), "utf8"), "n");
    assert.deepEqual([statSync(shared).mode & 0o7777, statSync(join(shared, "kept")).mode & 0o7777], [0o751, 0o640]);
    assert.deepEqual(readdirSync(join(tree.root, "mnt/shared")), []); // The mount was the helper's alone.
  });
});
