import assert from "node:assert/strict";
import { nextLookMs } from "../../../../src/engine/logs/log-look.ts";

describe("nextLookMs", () => {
  const last = { bytes: 1000, atMs: 0, dueAtMs: 0 };
  const cases = [
    { when: "it has not been seen before", bytes: 500, last: undefined, expected: 1000 },
    { when: "it does not grow", bytes: 1000, last, expected: 1000 },
    { when: "it grows slowly", bytes: 1010, last, expected: 1000 },
    { when: "it will be full soon", bytes: 6000, last, expected: 400 }, // 5000 in 1 s: the other 4000 take 0.8 s.
    { when: "it will be full at once", bytes: 9990, last, expected: 100 },
    { when: "it was full", bytes: 10_000, last, expected: 500 },
    { when: "it was full many times over", bytes: 90_000, last, expected: 100 },
    { when: "a new file was begun", bytes: 800, last, expected: 1000 },
  ];
  for (const { when, expected, ...look } of cases) {
    it(`is ${expected} ms when ${when}`, () =>
      assert.equal(nextLookMs({ bytesMax: 10_000, atMs: 1000, msMax: 1000, ...look }), expected));
  }
});
