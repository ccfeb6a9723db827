import assert from "node:assert/strict";
import { summaryText } from "../../chaos/summary.ts";

const VERDICT = { callCount: 900, unansweredCount: 2, longestWithoutWriteMs: 8_240, rejectedCount: 8, plantedCount: 8 };
const FAULTS = { kill: { inflicted: 3, felt: 3 }, "clock step": { inflicted: 2, felt: 1 } };

describe("the summary of a chaos run", () => {
  it("says what was done and that nothing was found", () => {
    const text = summaryText({ seed: 1, tookMs: 180_000, faults: FAULTS, verdict: VERDICT, settledMs: 1_234.5, findings: [] });
    assert.equal(
      text,
      `chaos, seed 1: 3.0 min
  faults   kill 3, clock step 2 (1 felt)
  answers  900 calls, 2 without an answer, 8.2 s at most between two writes, 8 of 8 planted wrongs rejected
  rest     1235 ms after the last change
nothing found`,
    );
  });

  it("says what was left out", () => {
    const text = summaryText({ seed: 1, tookMs: 60_000, faults: {}, skipped: ["clock step"], findings: [] });
    assert.equal(text, "chaos, seed 1: 1.0 min\n  faults   none\n  skipped  clock step\nnothing found");
  });

  it("says what was found, also of a run that did not come to its end", () => {
    const text = summaryText({ seed: 1, tookMs: 60_000, faults: {}, findings: ["the run hung", "left behind: /a"] });
    assert.equal(text, "chaos, seed 1: 1.0 min\n  faults   none\nFOUND 2:\nthe run hung\nleft behind: /a");
  });
});
