import assert from "node:assert/strict";
import { Newest } from "../../../src/lib/newest.ts";

describe("the newest of what comes", () => {
  it("is handed over one at a time, and what came between never overtakes it", async () => {
    const seen: string[] = [];
    const ends: (() => void)[] = [];
    const newest = new Newest<string>(value => {
      seen.push(value);
      return new Promise(resolve => ends.push(resolve));
    });
    for (const value of ["a", "b", "c"]) newest.put(value);
    assert.deepEqual(seen, ["a"]);
    ends.shift()?.();
    await new Promise(setImmediate);
    assert.deepEqual(seen, ["a", "c"]);
    ends.shift()?.();
    await new Promise(setImmediate);
    newest.put("d");
    assert.deepEqual(seen, ["a", "c", "d"]);
  });
});
