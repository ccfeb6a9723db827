import assert from "node:assert/strict";
import { spawnTurn } from "../../../src/system/spawn-turns.ts";

describe("spawnTurn", () => {
  it("lets one through in each turn of the event loop, in order", async () => {
    let turn = 0;
    let isCounting = true;
    const count = (): void => {
      turn++;
      if (isCounting) setImmediate(count);
    };
    setImmediate(count);
    const turns = await Promise.all([0, 1, 2, 3].map(() => spawnTurn().then(() => turn)));
    isCounting = false;
    assert.equal(turns[0], 0, "the first does not wait");
    assert.deepEqual(
      turns,
      [...new Set(turns)].sort((a, b) => a - b),
    );
  });
});
