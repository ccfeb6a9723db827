import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { StateDatabase } from "../../../../src/engine/state/database.ts";

describe("the state database", () => {
  let path: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), "shct-state-"));
  });
  afterEach(() => rmSync(path, { recursive: true, force: true }));

  it("keeps records by collection, also of many writes at once", async () => {
    {
      await using database = await StateDatabase.open(path);
      const [a, b] = [database.collection<{ readonly n: number }>("container"), database.collection<string>("volume")];
      await Promise.all(Array.from({ length: 50 }, (_, n) => database.write([a.put(String(n).padStart(2, "0"), { n })])));
      await database.write([b.put("x", "y"), a.delete("07")]);
    }
    await using database = await StateDatabase.open(path);
    const all = await database.collection<{ readonly n: number }>("container").all();
    assert.deepEqual(
      all.map(({ n }) => n),
      Array.from({ length: 50 }, (_, n) => n).filter(n => n !== 7),
    );
    assert.equal(await database.collection<string>("volume").get("x"), "y");
    assert.equal(await database.collection<string>("volume").get("z"), undefined);
  });

  it("is one daemon's", async () => {
    await using _database = await StateDatabase.open(path);
    await assert.rejects(StateDatabase.open(path), { kind: "unavailable" });
  });

  it("refuses records of a later version", async () => {
    const level = new ClassicLevel(path);
    await level.put("container/x", JSON.stringify({ format: 99, value: 1 }));
    await level.close();
    await using database = await StateDatabase.open(path);
    await assert.rejects(database.collection("container").all(), { kind: "internal", message: /later version \(format 99\)/ });
  });
});
