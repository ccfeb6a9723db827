import assert from "node:assert/strict";
import { parseLog, summarize } from "../../../deploy/try/summary.ts";

describe("the try demonstration's summary", () => {
  const records = [
    { atMs: 99, target: "a", ms: 1, version: "1", task: "t1" },
    { atMs: 100, target: "a", ms: 1, version: "1", task: "t1" },
    { atMs: 150, target: "b", ms: 3, version: "2", task: "t2" },
    { atMs: 160, target: "dead", ms: 1_000, error: "timeout" },
    { atMs: 170, target: "b", ms: 1_000, error: "timeout" },
    { atMs: 200, target: "b", ms: 1, version: "3", task: "t9" },
  ];

  it("counts what was sent in the phase, and not what was sent to the dead host", () => {
    assert.deepEqual(summarize(records, { name: "x", fromMs: 100, toMs: 200 }, "dead"), {
      name: "x",
      requests: 3,
      failed: 1,
      versions: ["1", "2"],
      tasks: 2,
      p50Ms: 3,
      p99Ms: 1_000,
      failedAfterMs: [70],
    });
  });

  it("counts the dead host's requests as failures when it is not named", () => {
    assert.equal(summarize(records, { name: "x", fromMs: 100, toMs: 200 }).failed, 2);
  });

  it("refuses a log with a line that is no record", () => {
    assert.throws(() => parseLog('{"atMs":1,"target":"a","ms":1}\n{"x":1}\n'), /not a record/);
  });
});
