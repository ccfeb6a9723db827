import assert from "node:assert/strict";
import { parseScript, valueOf, valuesOf, words } from "./script.ts";

describe("parseScript", () => {
  it("takes commands with their arguments, input and output", () => {
    const text =
      "# comment\nadd-nodes 3 voters=(1, 2) index=10\nv1\nr2\n----\nok\nmore\n\n\nstatus\n----\n----\na\n\nb\n----\n----\n";
    const [first, second, ...rest] = parseScript(text);
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(rest, []);
    const { line, command, input, expected } = first;
    assert.deepEqual([line, command, input, expected], [2, "add-nodes", "v1\nr2", "ok\nmore"]);
    assert.deepEqual([words(first), valuesOf(first, "voters"), valueOf(first, "index")], [["3"], ["1", "2"], "10"]);
    assert.deepEqual([second.line, second.command, second.expected], [10, "status", "a\n\nb"]);
  });

  it("refuses a command without output", () => {
    assert.throws(() => parseScript("status\n"), /line 1/);
  });
});
