import assert from "node:assert/strict";
import { binarySize, decimalSize, humanDuration, parseDuration, parseSize } from "../../../src/cli/format/units.ts";

describe("humanDuration", () => {
  const cases: readonly (readonly [seconds: number, words: string])[] = [
    [0.5, "Less than a second"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "About a minute"],
    [150, "2 minutes"],
    [3_600, "About an hour"],
    [47 * 3_600, "47 hours"],
    [48 * 3_600, "2 days"],
    [14 * 86_400, "2 weeks"],
    [60 * 86_400, "2 months"],
    [800 * 86_400, "2 years"],
  ];
  for (const [seconds, words] of cases) it(`says "${words}"`, () => assert.equal(humanDuration(seconds * 1_000), words));
});

describe("sizes", () => {
  it("prints powers of 1,000 with three digits", () =>
    assert.deepEqual([0, 999, 1_234, 4_270_000, 1e9].map(decimalSize), ["0B", "999B", "1.23kB", "4.27MB", "1GB"]));
  it("prints powers of 1,024 with four digits", () =>
    assert.deepEqual([1_024, 1_572_864, 24e9].map(binarySize), ["1KiB", "1.5MiB", "22.35GiB"]));
  it("reads sizes", () =>
    assert.deepEqual(["64m", "1g", "512", "1.5kb", "x"].map(parseSize), [67_108_864, 1_073_741_824, 512, 1_536, undefined]));
  it("reads durations", () =>
    assert.deepEqual(["10s", "1h30m", "100ms", "0", "5"].map(parseDuration), [10e9, 5_400e9, 1e8, 0, undefined]));
});
