import assert from "node:assert/strict";
import { judge, type Miss, type TestResult } from "../../clients/judge.ts";
import type { Outcome } from "../../oracle/compare.ts";

const passed = (name: string, outcome?: Outcome): TestResult => ({
  name,
  isPassed: true,
  why: "",
  ...(outcome === undefined ? {} : { outcome }),
});
const failed = (name: string): TestResult => ({ name, isPassed: false, why: "it broke" });
const miss = (test: string): Miss => ({ suite: "s", test, because: "not there yet" });
const faults = (real: readonly TestResult[], ours: readonly TestResult[], misses: readonly Miss[] = []): readonly string[] =>
  judge({ suite: "s", real, ours }, misses).faults;

describe("what passes there passes here", () => {
  it("has no fault when both do the same, whether they pass or fail", () => {
    const results = [passed("a"), failed("b")];
    const verdict = judge({ suite: "s", real: results, ours: results }, []);
    assert.deepEqual(verdict.faults, []);
    assert.deepEqual([verdict.tests, verdict.passedOnReal, verdict.passedOnOurs, verdict.failedOnBoth], [2, 1, 1, ["b"]]);
  });

  it("takes what passes on ours alone", () => {
    const verdict = judge({ suite: "s", real: [passed("a"), failed("b")], ours: [passed("a"), passed("b")] }, []);
    assert.deepEqual([verdict.faults, verdict.passedOnOursAlone], [[], ["b"]]);
  });

  it("counts what passed at the second try", () => {
    const again: TestResult = { ...passed("a"), isSecondTry: true };
    const verdict = judge({ suite: "s", real: [passed("a"), again], ours: [again, again, failed("b")] }, []);
    assert.deepEqual(verdict.secondTries, { real: 1, ours: 2 });
  });

  it("finds a test that fails on ours, and one that never ran there", () => {
    assert.deepEqual(faults([passed("a")], [failed("a")]), ["a: it fails on ours: it broke"]);
    assert.deepEqual(faults([passed("a")], []), ["a: it did not run on ours"]);
  });

  it("finds a test whose output differs", () => {
    const outcome = (stdout: string): Outcome => ({ exitCode: 0, stdout, stderr: "" });
    assert.equal(faults([passed("a", outcome("x\n"))], [passed("a", outcome("x\n"))]).length, 0);
    assert.equal(faults([passed("a", outcome("x\n"))], [passed("a", outcome("y\n"))]).length, 1);
  });

  it("tells tests of one name apart", () => {
    assert.deepEqual(faults([passed("a"), passed("a")], [passed("a"), failed("a")]), ["a (2): it fails on ours: it broke"]);
  });

  it("finds that a suite did not run at all", () => {
    assert.deepEqual(faults([], []), ["it did not run on the real engine"]);
  });
});

describe("misses that are listed", () => {
  it("are no faults as long as they fail", () => {
    const verdict = judge({ suite: "s", real: [passed("a"), passed("b")], ours: [passed("a"), failed("b")] }, [miss("b")]);
    assert.deepEqual([verdict.faults, verdict.known], [[], [miss("b")]]);
  });

  it("are faults once they pass, when the real engine fails too, and when there is no such test", () => {
    const both = [passed("a"), passed("b")];
    assert.deepEqual(faults(both, both, [miss("b")]), ["b: it is listed as a miss and is none: it passes"]);
    const words = "b: it is listed as a miss and is none: the real engine does not pass it";
    assert.deepEqual(faults([passed("a"), failed("b")], [passed("a"), failed("b")], [miss("b")]), [words]);
    assert.deepEqual(faults([passed("a")], [passed("a")], [miss("b")]), [words]);
  });

  it("may pass where that is chance", () => {
    const results = [passed("a"), passed("b")];
    const chance: Miss = { ...miss("b"), byChance: true };
    assert.deepEqual(faults(results, results, [chance]), []);
    assert.deepEqual(faults(results, [passed("a"), failed("b")], [chance]), []);
  });

  it("do not excuse another test, nor another suite's", () => {
    const [real, ours] = [
      [passed("a"), passed("b")],
      [failed("a"), failed("b")],
    ];
    assert.deepEqual(faults(real, ours, [miss("b"), { ...miss("a"), suite: "t" }]), ["a: it fails on ours: it broke"]);
  });
});
