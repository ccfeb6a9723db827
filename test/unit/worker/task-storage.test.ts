import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asId } from "../../../src/model/ids.ts";
import { LevelTaskDb } from "../../../src/worker/task-db.ts";
import { TaskFileStore } from "../../../src/worker/task-file-store.ts";
import { anAssignedTask } from "./fixtures.ts";

describe("what a node keeps of its tasks", () => {
  let directory = "";
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "shoal-tasks-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("is there after a restart, and gone once removed", async () => {
    const record = { task: anAssignedTask(), status: { state: "running", atMs: 5, message: "started" } } as const;
    {
      await using db = await LevelTaskDb.open(directory);
      await db.put({ ...record, status: { ...record.status, state: "ready" } });
      await db.put(record);
    }
    {
      await using db = await LevelTaskDb.open(directory);
      assert.deepEqual(await db.load(), [record]);
      await db.remove(record.task.task.id);
      assert.deepEqual(await db.load(), []);
    }
  });

  it("shows secrets and configs where the service wants them, read-only, and takes them away", async () => {
    const file = { uid: "0", gid: "0", mode: 0o440 };
    const assigned = anAssignedTask({
      container: {
        secrets: [{ id: asId("secret1"), name: "password", file: { ...file, name: "password" } }],
        configs: [{ id: asId("config1"), name: "site", file: { ...file, name: "/etc/site.conf", mode: 0o444 } }],
      },
    });
    const store = new TaskFileStore(directory);
    const files = {
      secrets: new Map([["secret1", Buffer.from("hush")]]),
      configs: new Map([["config1", Buffer.from("listen 80")]]),
    };
    const mounts = await store.write(assigned, files);
    assert.deepEqual(
      mounts.map(({ type, target, readOnly }) => [type, target, readOnly]),
      [
        ["bind", "/run/secrets/password", true],
        ["bind", "/etc/site.conf", true],
      ],
    );
    const [secret] = mounts;
    assert.equal(await readFile(secret?.source ?? "", "utf8"), "hush");
    assert.equal((await stat(secret?.source ?? "")).mode & 0o777, 0o440);
    await store.remove(assigned.task.id);
    assert.deepEqual(await store.list(), []);
    await assert.rejects(store.write(assigned, { ...files, secrets: new Map() }), { kind: "not-found" });
  });
});
