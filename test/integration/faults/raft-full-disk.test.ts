import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorKind } from "../../../src/lib/errors.ts";
import { eventually, RealCluster } from "../../unit/raft/real-cluster.ts";

const DISK_BYTES = 1024 * 1024;

/** A file system of its own, so that it can be full. */
function withSmallDisk(): { readonly path: string; fill(): void; makeRoom(): void; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), "shoal-raft-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", path]);
  const filler = join(path, "filler");
  return {
    path,
    fill() {
      try {
        writeFileSync(filler, Buffer.alloc(DISK_BYTES));
      } catch (error) {
        assert.match(String(error), /ENOSPC/);
      }
      assert.ok(statSync(filler).size > 0);
    },
    makeRoom: () => rmSync(filler),
    [Symbol.dispose]() {
      execFileSync("umount", ["--lazy", path]);
      rmdirSync(path);
    },
  };
}

describe("a manager's Raft on a disk that is really full", () => {
  it("refuses changes, goes on when there is room, and has kept all that it acknowledged", async () => {
    using disk = withSmallDisk();
    await using cluster = await RealCluster.create({ segmentBytesMax: 64 * 1024, snapshotEveryEntries: 1_000_000 }, disk.path);
    const driver = await cluster.start(1, { members: [1] });
    await cluster.leader();
    const acknowledged: string[] = [];
    const propose = async (text: string) => {
      await driver.propose(Buffer.from(text));
      acknowledged.push(text);
    };
    for (let at = 0; at < 20; at++) await propose(`before ${at}`);
    disk.fill();
    // Some still fit into the last page.
    let refusals = 0;
    for (let at = 0; refusals < 3; at++) {
      assert.ok(at < 1_000, "a full disk is met");
      await propose(`while full ${at} ${"x".repeat(300)}`).catch((error: unknown) => {
        assert.equal(errorKind(error), "unavailable");
        refusals += 1;
      });
    }
    assert.equal(driver.status().role, "follower");
    disk.makeRoom();
    await eventually(() => driver.status().role === "leader");
    for (let at = 0; at < 20; at++) await propose(`after ${at}`);
    await cluster.stop(1);
    const again = await cluster.start(1, { members: [1] });
    await again.readBarrier();
    const kept = cluster.machines.get(1)?.texts ?? [];
    assert.deepEqual(
      acknowledged.filter(text => !kept.includes(text)),
      [],
    );
    assert.equal(new Set(kept).size, kept.length, "nothing is kept twice");
  });
});
