import type { TestResult } from "./judge.ts";

const WHY_CHARACTERS_MAX = 400;

interface MochaTest {
  readonly fullTitle: string;
  readonly err: { readonly message?: string };
}

/** What mocha's JSON reporter wrote. */
export function readMocha(report: string): readonly TestResult[] {
  const { passes, failures } = JSON.parse(report) as {
    readonly passes: readonly MochaTest[];
    readonly failures: readonly MochaTest[];
  };
  return [
    ...passes.map(({ fullTitle }) => ({ name: oneLine(fullTitle), isPassed: true, why: "" })),
    ...failures.map(({ fullTitle, err }) => ({ name: oneLine(fullTitle), isPassed: false, why: shortened(err.message ?? "") })),
  ];
}

interface VitestFile {
  readonly name: string;
  readonly message?: string;
  readonly status: string;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages?: readonly string[];
  }[];
}

/** What vitest's JSON reporter wrote. A file that could not be loaded is a test that failed. */
export function readVitest(report: string): readonly TestResult[] {
  const { testResults } = JSON.parse(report) as { readonly testResults: readonly VitestFile[] };
  return testResults.flatMap(({ name, message, status, assertionResults }) => {
    const file = name.split("/").pop() ?? name;
    if (assertionResults.length === 0)
      return status === "passed" ? [] : [{ name: file, isPassed: false, why: shortened(message ?? "") }];
    return assertionResults
      .filter(each => each.status !== "skipped" && each.status !== "pending")
      .map(each => ({
        name: oneLine(`${file}: ${each.fullName}`),
        isPassed: each.status === "passed",
        why: shortened(each.failureMessages?.join(" ") ?? ""),
      }));
  });
}

/** What `pytest -v -rfE --tb=no` printed: a line for each test, and at the end one for each failure. Skipped tests are left out. */
export function readPytest(output: string): readonly TestResult[] {
  const why = new Map<string, string>();
  for (const [, name = "", reason = ""] of output.matchAll(/^(?:FAILED|ERROR) (\S+)(?: - (.*))?$/gm))
    why.set(name, shortened(reason));
  const results = new Map<string, TestResult>();
  for (const [, name = "", status = ""] of output.matchAll(/^(\S+::\S+) (PASSED|FAILED|ERROR|XPASS|XFAIL)\b/gm)) {
    const isPassed = (status === "PASSED" || status === "XPASS") && results.get(name)?.isPassed !== false;
    if (status !== "XFAIL") results.set(name, { name: shortName(name), isPassed, why: why.get(name) ?? "" });
  }
  return [...results.values()];
}

/** Lines `ok NAME` and `not ok NAME`, each failure followed by lines that start with `#`. */
export function readLines(output: string): readonly TestResult[] {
  return [...output.matchAll(/^(not ok|ok) (.*)\n((?:#.*\n?)*)/gm)].map(([, verdict, name = "", why = ""]) => ({
    name,
    isPassed: verdict === "ok",
    why: shortened(why.trimEnd().split("\n").at(-1) ?? ""),
  }));
}

/** `tests/integration/api_exec_test.py::ExecTest::test_it` as `api_exec_test ExecTest test_it`. */
function shortName(name: string): string {
  return name.replace(/^.*\//, "").replace(".py::", " ").replaceAll("::", " ");
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

function shortened(text: string): string {
  return oneLine(text).slice(0, WHY_CHARACTERS_MAX);
}
