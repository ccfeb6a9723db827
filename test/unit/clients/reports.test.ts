import assert from "node:assert/strict";
import { readLines, readMocha, readPytest, readVitest } from "../../clients/reports.ts";

const told = (
  results: readonly { readonly name: string; readonly isPassed: boolean; readonly why: string }[],
): readonly unknown[] => results.map(({ name, isPassed, why }) => [name, isPassed, why]);

describe("reports of other people's tests", () => {
  it("are read from mocha", () => {
    const report = { passes: [{ fullTitle: "#a does\n it" }], failures: [{ fullTitle: "#b", err: { message: "no\nway" } }] };
    assert.deepEqual(told(readMocha(JSON.stringify(report))), [
      ["#a does it", true, ""],
      ["#b", false, "no way"],
    ]);
  });

  it("are read from vitest, where a file that cannot be loaded is a failure", () => {
    const assertions = [
      { fullName: "A one", status: "passed", failureMessages: [] },
      { fullName: "A two", status: "failed", failureMessages: ["bad"] },
      { fullName: "A three", status: "skipped" },
    ];
    const report = {
      testResults: [
        { name: "/x/a.test.ts", status: "failed", assertionResults: assertions },
        { name: "/x/b.test.ts", status: "failed", message: "cannot load", assertionResults: [] },
      ],
    };
    assert.deepEqual(told(readVitest(JSON.stringify(report))), [
      ["a.test.ts: A one", true, ""],
      ["a.test.ts: A two", false, "bad"],
      ["b.test.ts", false, "cannot load"],
    ]);
  });

  it("are read from pytest, where a test that breaks down while it is taken away has failed", () => {
    const output = `collected 5 items
tests/integration/a_test.py::A::test_one PASSED                [ 20%]
tests/integration/a_test.py::A::test_two FAILED                [ 40%]
tests/integration/a_test.py::A::test_three SKIPPED (because)   [ 60%]
tests/integration/a_test.py::A::test_four PASSED               [ 80%]
tests/integration/a_test.py::A::test_four ERROR                [ 80%]
tests/integration/a_test.py::A::test_five XFAIL (known)        [100%]
=========== short test summary info ===========
FAILED tests/integration/a_test.py::A::test_two - AssertionError: no
ERROR tests/integration/a_test.py::A::test_four - KeyError
`;
    assert.deepEqual(told(readPytest(output)), [
      ["a_test A test_one", true, ""],
      ["a_test A test_two", false, "AssertionError: no"],
      ["a_test A test_four", false, "KeyError"],
    ]);
  });

  it("are read from lines, with the last line of a trace as the reason", () => {
    assert.deepEqual(told(readLines("ok one\nnot ok two\n# at x\n# KeyError: 'y'\nok three\n")), [
      ["one", true, ""],
      ["two", false, "# KeyError: 'y'"],
      ["three", true, ""],
    ]);
  });
});
