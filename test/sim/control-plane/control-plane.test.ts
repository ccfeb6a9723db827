import assert from "node:assert/strict";
import { simulate } from "./simulation.ts";

/** `SEED=n` replays one life, `TRACE=1` prints it; `SEEDS=n` runs so many. More: `npm run simulate`. */
const replayed = process.env["SEED"];
const count = Number(process.env["SEEDS"] ?? 8);
const seeds = replayed === undefined ? Array.from({ length: count }, (_, at) => at + 1) : [Number(replayed)];
const onTrace = process.env["TRACE"] === undefined ? undefined : (line: string) => process.stderr.write(`${line}\n`);

describe("a simulated control plane", () => {
  for (const seed of seeds) {
    it(`keeps what it promises under faults and recovers after them, SEED=${seed}`, async () => {
      const result = await simulate(seed, { onTrace });
      assert.ok(result.acknowledgedCount > 10, "users were served");
    }).timeout(60_000);
  }

  it("repeats with the same seed", async () => {
    assert.deepEqual(await simulate(3), await simulate(3));
  }).timeout(60_000);
});
