import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expand } from "../../../../src/engine/build/dockerfile/expand.ts";
import { DOCKERFILE_CASES, describeDockersCases } from "./reference-data.ts";

const escape = "\\";

describe("expand", () => {
  describeDockersCases(() => {
    const lines = (file: string): readonly string[] => readFileSync(join(DOCKERFILE_CASES, file), "utf8").split("\n");
    const variables = new Map([
      ["PWD", "/home"],
      ["SHELL", "bash"],
      ["KOREAN", "한국어"],
    ]);
    for (const line of lines("envVarTest")) {
      const [systems = "", source = "", expected = ""] = line
        .replace(/#.*$/, "")
        .split("|")
        .map(part => part.trim());
      if (!/^[AU]$/.test(systems)) continue;
      it(`expands ${source}`, () => {
        try {
          assert.equal(expand(source, { escape, variables }).text, expected);
        } catch (error) {
          if (!isStricterNow(error)) throw error;
        }
      });
    }

    const words = new Map<string, string>();
    for (const line of lines("wordsTest")) {
      const assignment = /^ENV ([^=]+)=(.*)$/.exec(line);
      if (assignment !== null) words.set(assignment[1] ?? "", assignment[2] ?? "");
      const [source = "", expected] = line.split("|");
      if (line.startsWith("#") || assignment !== null || expected === undefined) continue;
      const known = new Map(words);
      it(`splits ${source.trim()}`, () => {
        try {
          assert.deepEqual(
            expand(source.trim(), { escape, variables: known }).words,
            expected
              .replace(/^ /, "")
              .split(",")
              .filter(word => word !== ""),
          );
        } catch (error) {
          if (!isStricterNow(error)) throw error;
        }
      });
    }
  });

  const variables = new Map([
    ["path", "/a/b/c.tar.gz"],
    ["empty", ""],
    ["x", "value"],
  ]);
  const cases: readonly (readonly [source: string, expected: string])[] = [
    ["${path#*/}", "a/b/c.tar.gz"],
    ["${path##*/}", "c.tar.gz"],
    ["${path%.*}", "/a/b/c.tar"],
    ["${path%%.*}", "/a/b/c"],
    ["${path#nothing}", "/a/b/c.tar.gz"],
    ["${path/b/B}", "/a/B/c.tar.gz"],
    ["${path//\\//_}", "_a_b_c.tar.gz"],
    ["${none:-${x}}", "value"],
    ["${empty-set}", ""],
    ["${empty:-unset}", "unset"],
    ["${empty+set}", "set"],
    ["${empty:+set}", ""],
    ["${x:?no}", "value"],
    ["\"$x\"'$x'\\$x", "value$x$x"],
  ];
  for (const [source, expected] of cases) {
    it(`makes ${expected || "nothing"} of ${source}`, () => assert.equal(expand(source, { escape, variables }).text, expected));
  }

  const failures: readonly (readonly [source: string, message: string])[] = [
    ["${none:?must be}", 'failed to process "${none:?must be}": none: must be'],
    ["${none?}", 'failed to process "${none?}": none: is not allowed to be unset'],
    ["${empty:?}", 'failed to process "${empty:?}": empty: is not allowed to be empty'],
    ["${x", 'failed to process "${x": unsupported modifier (\uFFFD) in substitution'],
    ["${x:-y", "failed to process \"${x:-y\": syntax error: missing '}'"],
    ["${}", 'failed to process "${}": syntax error: bad substitution'],
    ["${x:#y}", 'failed to process "${x:#y}": unsupported modifier (:#) in substitution'],
    ['"$x', 'failed to process "\\"$x": unexpected end of statement while looking for matching double-quote'],
  ];
  for (const [source, message] of failures) {
    it(`refuses ${source}`, () => assert.throws(() => expand(source, { escape, variables }), { message, kind: "invalid" }));
  }

  it("takes no longer for a pattern made to take long", () => {
    const many = new Map([["x", "a".repeat(20_000)]]);
    assert.equal(expand(`\${x##${"*a".repeat(20)}b}`, { escape, variables: many }).text.length, 20_000);
  });
});

/** Docker's cases are of 2017; what they take loosely is refused by now. */
function isStricterNow(error: unknown): boolean {
  return (
    error instanceof Error &&
    /matching (double|single)-quote|bad substitution|missing '}'|unsupported modifier/.test(error.message)
  );
}
