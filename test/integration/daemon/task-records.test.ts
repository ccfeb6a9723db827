import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asId } from "../../../src/model/ids.ts";
import { LevelTaskDb, type TaskRecord } from "../../../src/worker/task-db.ts";
import { anAssignedTask } from "../../unit/worker/fixtures.ts";

const MIB = 1024 * 1024;

describe("a node's records of its tasks on a disk that is full", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "shoal-full-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", directory]);
  });
  afterEach(() => {
    execFileSync("umount", [directory]);
    rmdirSync(directory);
  });

  it("are refused while there is no room and kept again once there is, those before with them", async () => {
    const ballast = join(directory, "ballast");
    {
      await using db = await LevelTaskDb.open(join(directory, "tasks"));
      await db.put(record("before"));
      const { bavail, bsize } = statfsSync(directory);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize));
      const refused = await Promise.allSettled(Array.from({ length: 50 }, (_, number) => db.put(record(`full${number}`))));
      assert.ok(refused.some(({ status }) => status === "rejected"));
      await assert.rejects(db.put(record("large", MIB)));
      rmSync(ballast);
      await db.put(record("after"));
      await db.remove(asId("before"));
      await db.put(record("last"));
    }
    await using db = await LevelTaskDb.open(join(directory, "tasks"));
    const names = new Set((await db.load()).map(({ task }) => task.task.id));
    assert.ok(names.has(asId("after")) && names.has(asId("last")) && !names.has(asId("before")), [...names].join(" "));
  });
});

function record(id: string, bytes = 4_096): TaskRecord {
  const task = anAssignedTask({ task: { id: asId(id) } });
  return { task, status: { state: "running", atMs: 1, message: "x".repeat(bytes) } };
}
