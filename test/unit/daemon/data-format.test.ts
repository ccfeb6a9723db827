import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { settleDataFormat } from "../../../src/daemon/data-format.ts";
import { MIGRATIONS } from "../../../src/daemon/migrations.ts";
import { FORMAT_VERSION, StateDatabase } from "../../../src/engine/state/database.ts";
import { quietLog } from "../engine/containers/fake-world.ts";

describe("the format of the data root", () => {
  let dataRoot: string;
  beforeEach(() => (dataRoot = mkdtempSync(join(tmpdir(), "shoal-format-"))));
  afterEach(() => rmSync(dataRoot, { recursive: true, force: true }));

  const statePath = () => join(dataRoot, "engine", "state");
  const settle = () => settleDataFormat({ dataRoot, version: "7.8.9", log: quietLog });
  const formatFile = () => JSON.parse(readFileSync(join(dataRoot, "format.json"), "utf8")) as unknown;

  async function keys(): Promise<readonly string[]> {
    const level = new ClassicLevel(statePath());
    const found = await level.keys().all();
    await level.close();
    return found;
  }
  /** As the first version left it. */
  async function writeFirstFormat(): Promise<void> {
    mkdirSync(join(dataRoot, "engine"), { recursive: true });
    const level = new ClassicLevel(statePath());
    const record = (value: unknown) => JSON.stringify({ format: 1, value });
    await level.batch([
      { type: "put", key: "container/c", value: record({ name: "c" }) },
      { type: "put", key: "networks/n", value: record({ name: "n" }) },
      { type: "put", key: "networks/m", value: record({ name: "m" }) },
    ]);
    await level.close();
    for (const [id, text] of [
      ["c", '{"diffIds":["sha256:1"],"isBare":true}'],
      ["unacknowledged", "\0\0"],
    ] as const) {
      mkdirSync(join(dataRoot, "images", "containers", id), { recursive: true });
      writeFileSync(join(dataRoot, "images", "containers", id, "record.json"), text);
    }
  }

  it("is noted in a new one", async () => {
    await settle();
    assert.deepEqual(formatFile(), { format: FORMAT_VERSION, writtenBy: "7.8.9" });
    assert.ok(!existsSync(statePath()));
  });

  it("has one migration to each format", () => {
    assert.deepEqual(
      MIGRATIONS.map(({ to }) => to),
      Array.from({ length: FORMAT_VERSION - 1 }, (_, index) => index + 2),
    );
  });

  it("is brought up to date from the first version's, once, with every record kept", async () => {
    await writeFirstFormat();
    await settle();
    assert.deepEqual(formatFile(), { format: FORMAT_VERSION, writtenBy: "7.8.9" });
    assert.deepEqual(await keys(), ["container/c", "network/m", "network/n", "networks/moved", "rootfs/c"]);
    {
      await using database = await StateDatabase.open(statePath());
      assert.deepEqual(await database.collection("network").all(), [{ name: "m" }, { name: "n" }]);
      assert.deepEqual(await database.collection("container").all(), [{ name: "c" }]);
      assert.deepEqual(await database.collection("rootfs").all(), [{ id: "c", diffIds: ["sha256:1"], isBare: true }]);
      await database.write([database.collection("networks").delete("moved")]);
    }
    await settle(); // Nothing is migrated again.
    assert.deepEqual(await keys(), ["container/c", "network/m", "network/n", "rootfs/c"]);
  });

  it("is brought up to date by the next start when one was cut off before it was noted", async () => {
    await writeFirstFormat();
    await settle();
    rmSync(join(dataRoot, "format.json"));
    await settle();
    assert.deepEqual(await keys(), ["container/c", "network/m", "network/n", "networks/moved", "rootfs/c"]);
    assert.deepEqual(formatFile(), { format: FORMAT_VERSION, writtenBy: "7.8.9" });
  });

  it("of a later version is refused with the reason, and left as it is", async () => {
    const content = '{"format":99,"writtenBy":"9.0.0"}\n';
    writeFileSync(join(dataRoot, "format.json"), content);
    const message = `the data root ${dataRoot} was written by version 9.0.0 in data format 99, and this version, 7.8.9, knows formats up to ${FORMAT_VERSION}: start version 9.0.0 or a later one, or name another data root`;
    await assert.rejects(settle(), { kind: "conflict", message });
    assert.equal(readFileSync(join(dataRoot, "format.json"), "utf8"), content);
  });

  it("makes the first version refuse what it could read only in part", async () => {
    await writeFirstFormat();
    await settle();
    const level = new ClassicLevel(statePath());
    const record = JSON.parse((await level.get("networks/moved")) ?? "") as { format: number };
    await level.close();
    assert.ok(record.format > 1); // It compares each record's format with its own, 1.
  });
});
