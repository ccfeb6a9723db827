import assert from "node:assert/strict";
import type { Verdict } from "../../clients/judge.ts";
import { table } from "../../clients/table.ts";

const TITLES = new Map([
  ["a", "suite A"],
  ["b", "suite B"],
]);
const verdict = (suite: string, passedOnOurs: number, secondTries = { real: 0, ours: 0 }): Verdict => ({
  suite,
  tests: 3,
  passedOnReal: 3,
  passedOnOurs,
  secondTries,
  failedOnBoth: [],
  passedOnOursAlone: [],
  known: [],
  faults: [],
});

describe("the table of clients", () => {
  it("has a row for each suite, in order", () => {
    const rows = table("", [verdict("b", 2), verdict("a", 3)], TITLES)
      .split("\n")
      .slice(2);
    assert.deepEqual(rows, ["| suite A | 3 | 3 | 3 | none |", "| suite B | 3 | 3 | 2 | none |"]);
  });

  it("says how many had to be tried again", () => {
    const rows = table("", [verdict("a", 2, { real: 1, ours: 2 })], TITLES).split("\n");
    assert.equal(rows.at(-1), "| suite A | 3 | 3, 1 of them at the second try | 2, 2 of them at the second try | none |");
  });

  it("keeps the rows of suites that did not run", () => {
    const old = table("", [verdict("a", 1), verdict("b", 2)], TITLES);
    const rows = table(old, [verdict("b", 3)], TITLES)
      .split("\n")
      .slice(2);
    assert.deepEqual(rows, ["| suite A | 3 | 3 | 1 | none |", "| suite B | 3 | 3 | 3 | none |"]);
  });
});
