import assert from "node:assert/strict";
import type { Random } from "../../../src/ports/random.ts";
import { systemRandom } from "../../../src/system/random.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";

const subjects: readonly { readonly name: string; readonly random: Random }[] = [
  { name: "the system's chance", random: systemRandom },
  { name: "the seeded chance", random: new SeededRandom(1) },
];

for (const { name, random } of subjects) {
  describe(`Random: ${name}`, () => {
    it("draws integers over the whole range of 32 bits", () => {
      const draws = Array.from({ length: 2_000 }, () => random.uint32());
      assert.ok(draws.every(draw => Number.isInteger(draw) && draw >= 0 && draw < 2 ** 32));
      for (let bucket = 0; bucket < 8; bucket++) {
        const count = draws.filter(draw => Math.floor(draw / 2 ** 29) === bucket).length;
        assert.ok(count > 150 && count < 350, `${count} draws in eighth ${bucket}`);
      }
      assert.ok(new Set(draws).size > 1_990);
    });

    it("gives as many bytes as asked, not all alike", () => {
      assert.equal(random.bytes(0).length, 0);
      assert.ok(new Set(random.bytes(1_000)).size > 200);
    });
  });
}

describe("SeededRandom", () => {
  it("repeats with its seed and differs with another", () => {
    const draw = (seed: number) => [...new SeededRandom(seed).bytes(16)];
    assert.deepEqual(draw(5), draw(5));
    assert.notDeepEqual(draw(5), draw(6));
  });
});
