import assert from "node:assert/strict";
import { ThinnedWarning } from "../../../../src/manager/dispatcher/thinned-warning.ts";

describe("a warning that many have cause for", () => {
  it("is one line a second, which counts those that were not said", () => {
    let nowMs = 5_000;
    const lines: unknown[] = [];
    const warning = new ThinnedWarning({
      clock: { monotonicMs: () => nowMs },
      log: { warn: (fields, message) => void lines.push([fields, message]) },
    });
    for (const atMs of [5_000, 5_001, 5_999, 6_000, 7_000]) {
      nowMs = atMs;
      warning.warn({ atMs }, "it failed");
    }
    assert.deepEqual(lines, [
      [{ atMs: 5_000 }, "it failed"],
      [{ atMs: 6_000, unsaid: 2 }, "it failed"],
      [{ atMs: 7_000 }, "it failed"],
    ]);
  });
});
