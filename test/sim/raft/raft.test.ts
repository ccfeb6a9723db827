import assert from "node:assert/strict";
import { simulate } from "./simulation.ts";

/** `SEED=n` replays one life, `TRACE=1` prints it; `SEEDS=n` runs so many. */
const SEED_COUNT = Number(process.env["SEEDS"] ?? 1_000);
const replayed = process.env["SEED"];
const seeds = replayed === undefined ? Array.from({ length: SEED_COUNT }, (_, at) => at + 1) : [Number(replayed)];
const onTrace = process.env["TRACE"] === undefined ? undefined : (line: string) => process.stderr.write(`${line}\n`);

describe("a simulated Raft cluster", () => {
  for (const seed of seeds) {
    it(`stays safe under faults and recovers after them, SEED=${seed}`, async () => {
      const result = await simulate(seed, { onTrace });
      assert.ok(result.acknowledgedCount > 0, "something was acknowledged");
      if (replayed !== undefined) process.stderr.write(`trace hash ${result.traceHash.toString(16)}\n`);
    });
  }

  it("repeats byte for byte with the same seed", async () => {
    for (const seed of [7, 8]) assert.deepEqual(await simulate(seed), await simulate(seed));
    assert.notEqual((await simulate(7)).traceHash, (await simulate(8)).traceHash);
  });
});
