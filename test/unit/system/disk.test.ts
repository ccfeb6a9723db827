import assert from "node:assert/strict";
import { constants, mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDisk } from "../../../src/system/disk.ts";

/** The flags of this process's open file at `path`, as the kernel has them. */
async function openFlags(path: string): Promise<number> {
  for (const fd of await readdir("/proc/self/fd")) {
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => "")) !== path) continue;
    const info = await readFile(`/proc/self/fdinfo/${fd}`, "utf8");
    return Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? "", 8);
  }
  return assert.fail(`${path} is not open`);
}

describe("a file each of whose appends is to be synced", () => {
  let root: string;
  beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), "shoal-disk-"))));
  afterEach(async () => await rm(root, { recursive: true }));

  for (const syncsAppends of [true, false])
    it(`${syncsAppends ? "is" : "is not"} written through to the disk by each write`, async () => {
      await using file = await openDisk({ root }).openAppend("log", { syncsAppends });
      await file.append(Buffer.from("one"));
      const flags = await openFlags(join(root, "log"));
      assert.equal((flags & constants.O_DSYNC) === constants.O_DSYNC, syncsAppends);
    });
});
