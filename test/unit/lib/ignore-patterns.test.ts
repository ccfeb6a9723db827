import assert from "node:assert/strict";
import { IgnorePatterns, ignoreLines } from "../../../src/lib/ignore-patterns.ts";

describe("IgnorePatterns", () => {
  const cases: readonly { readonly lines: string; readonly ignored: readonly string[]; readonly kept: readonly string[] }[] = [
    { lines: "a", ignored: ["a", "a/b"], kept: ["ab", "b/a"] },
    { lines: "/a/", ignored: ["a", "a/b"], kept: ["b/a"] },
    { lines: "*.txt", ignored: ["a.txt", "a.txt/b"], kept: ["b/a.txt"] },
    { lines: "**/*.txt", ignored: ["a.txt", "b/a.txt", "b/c/a.txt"], kept: ["a.md"] },
    { lines: "a/**", ignored: ["a/b", "a/b/c"], kept: ["a", "b/a/c"] },
    { lines: "**", ignored: ["a", "a/b"], kept: ["."] },
    { lines: "a/**/b", ignored: ["a/b", "a/x/b", "a/x/y/b"], kept: ["a/x", "b"] },
    { lines: "a?c", ignored: ["abc"], kept: ["ac", "a/c"] },
    { lines: "[a-c]x", ignored: ["ax", "cx"], kept: ["dx"] },
    { lines: "[^a]x", ignored: ["bx"], kept: ["ax"] },
    { lines: "*\n!keep", ignored: ["a", ".git"], kept: ["keep", "keep/x"] },
    { lines: "!a\na", ignored: ["a"], kept: [] },
    { lines: "d\n!d/keep\nd/keep/not", ignored: ["d/x", "d/keep/not"], kept: ["d/keep", "d/keep/y"] },
    { lines: "# a\n\n  b  \n./c/../d", ignored: ["b", "d"], kept: ["a", "c"] },
    { lines: "a.b+c", ignored: ["a.b+c"], kept: ["axb+c"] },
    { lines: "\\*", ignored: ["*"], kept: ["a"] },
  ];
  for (const { lines, ignored, kept } of cases) {
    it(`reads ${JSON.stringify(lines)} as Docker does`, () => {
      const patterns = new IgnorePatterns(ignoreLines(lines));
      const answers = [...ignored, ...kept].map(path => [path, patterns.ignores(path)]);
      assert.deepEqual(answers, [...ignored.map(path => [path, true]), ...kept.map(path => [path, false])]);
    });
  }

  for (const line of ["!", "[a", "[]a]"]) {
    it(`refuses ${line}`, () => assert.throws(() => new IgnorePatterns([line]), { kind: "invalid" }));
  }
});
