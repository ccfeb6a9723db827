import assert from "node:assert/strict";
import { DetachKeyFilter, parseDetachKeys } from "../../../src/cli/terminal/detach-keys.ts";
import { startFailureCode } from "../../../src/cli/terminal/exit-status.ts";
import { forRawTerminal } from "../../../src/cli/terminal/raw-output.ts";

describe("parseDetachKeys", () => {
  const cases: readonly (readonly [keys: string, bytes: readonly number[] | undefined])[] = [
    ["ctrl-p,ctrl-q", [0x10, 0x11]],
    ["ctrl-@,a", [0, 0x61]],
    ["ctrl-[", [0x1b]],
    ["ctrl-1", undefined],
    ["ab", undefined],
  ];
  for (const [keys, bytes] of cases)
    it(`reads ${keys}`, () => assert.deepEqual(parseDetachKeys(keys), bytes && Uint8Array.from(bytes)));
});

describe("DetachKeyFilter", () => {
  const typed = (...chunks: readonly string[]): readonly [passed: string, isDetached: boolean] => {
    const filter = new DetachKeyFilter(Buffer.from("ab"));
    let passed = "";
    for (const chunk of chunks) {
      const { data, isDetached } = filter.push(Buffer.from(chunk));
      passed += Buffer.from(data).toString();
      if (isDetached) return [passed, true];
    }
    return [passed, false];
  };
  it("passes on what is no key of it", () => assert.deepEqual(typed("xyz"), ["xyz", false]));
  it("holds the first key back until the next one tells", () => assert.deepEqual(typed("xa", "c"), ["xac", false]));
  it("detaches when the keys come apart", () => assert.deepEqual(typed("xa", "by"), ["x", true]));
  it("begins again with a first key that follows itself", () => assert.deepEqual(typed("aab"), ["a", true]));
});

describe("forRawTerminal", () => {
  const cases: readonly (readonly [from: string, to: string])[] = [
    ["plain", "plain"],
    ["a\r\nb\r\n", "a\nb\n"],
    ["a\nb", "a\vb"],
    ["\r\r\n", "\r\n"],
    ["\nx", "\nx"],
  ];
  for (const [from, to] of cases)
    it(`turns ${JSON.stringify(from)} into ${JSON.stringify(to)}`, () =>
      assert.equal(Buffer.from(forRawTerminal(Buffer.from(from))).toString(), to));
});

describe("startFailureCode", () => {
  const cases: readonly (readonly [message: string, code: number])[] = [
    ['exec: "x": executable file not found in $PATH', 127],
    ['exec: "/x": stat /x: no such file or directory', 127],
    ['exec: "/etc/passwd": permission denied', 126],
    ["port is already allocated", 125],
  ];
  for (const [message, code] of cases) it(`is ${code} for: ${message}`, () => assert.equal(startFailureCode(message), code));
});
