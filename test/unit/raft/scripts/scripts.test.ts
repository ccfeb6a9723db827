import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { skip } from "../../../skip.ts";
import { CORPUS, isCorpusHere } from "./corpus.ts";
import { DIFFERENCES } from "./differences.ts";
import { conformanceRows, conformanceTable, keyOf } from "./table.ts";

const DOCUMENT = "docs/raft-conformance.md";

describe("the scripts of etcd's raft", () => {
  if (!isCorpusHere) {
    it("are run", function () {
      skip(this, `the scripts of etcd's raft are not in ${CORPUS}`);
    });
    return;
  }
  const rows = conformanceRows();
  for (const { name, different } of rows) {
    if (different === undefined) continue;
    it(`${name} is met`, () => {
      const unexplained = different.filter(outcome => DIFFERENCES[keyOf(outcome)] === undefined);
      assert.deepEqual(
        unexplained.map(({ line, ours }) => `line ${line}\n${ours}`),
        unexplained.map(({ line, expected }) => `line ${line}\n${expected}`),
      );
    });
  }

  it("differ only where that is explained, and in at most one command of ten", () => {
    const run = rows.filter(({ different }) => different !== undefined);
    const different = run.flatMap(row => row.different ?? []);
    assert.deepEqual(different.map(keyOf).sort(), Object.keys(DIFFERENCES).sort());
    assert.ok(different.length * 10 <= run.reduce((sum, { blockCount }) => sum + blockCount, 0));
  });

  it("leave out what ours does not have, and nothing else", () => {
    assert.deepEqual([rows.length, rows.filter(({ leftOut }) => leftOut === "asynchronous storage").length], [41, 2]);
    assert.equal(rows.filter(({ leftOut }) => leftOut === "joint consensus").length, 12);
  });

  it(`are listed in ${DOCUMENT} with what came of them`, () => {
    assert.ok(readFileSync(DOCUMENT, "utf8").includes(conformanceTable(rows)));
  });
});
