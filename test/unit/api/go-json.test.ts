import assert from "node:assert/strict";
import { OperationError } from "../../../src/lib/errors.ts";
import { parseJson } from "../../../src/api/http/go-json.ts";

describe("parseJson", () => {
  const cases = [
    { source: "", message: "invalid JSON: got EOF while reading request body" },
    { source: " \n", message: "invalid JSON: got EOF while reading request body" },
    { source: "{", message: "invalid JSON: unexpected EOF" },
    { source: '{"a":', message: "invalid JSON: unexpected EOF" },
    { source: '"abc', message: "invalid JSON: unexpected EOF" },
    { source: '{"a":1,}', message: "invalid JSON: invalid character '}' looking for beginning of object key string" },
    { source: "[1,]", message: "invalid JSON: invalid character ']' looking for beginning of value" },
    { source: '{"a":01}', message: "invalid JSON: invalid character '1' after object key:value pair" },
    { source: '{"a":1.}', message: "invalid JSON: invalid character '}' after decimal point in numeric literal" },
    { source: '{"a":1e}', message: "invalid JSON: invalid character '}' in exponent of numeric literal" },
    { source: '"\\x"', message: "invalid JSON: invalid character 'x' in string escape code" },
    { source: '"\\u12x4"', message: "invalid JSON: invalid character 'x' in \\u hexadecimal character escape" },
    { source: '"a\nb"', message: "invalid JSON: invalid character '\\n' in string literal" },
    { source: "'a'", message: "invalid JSON: invalid character '\\'' looking for beginning of value" },
    { source: "nulL", message: "invalid JSON: invalid character 'L' in literal null (expecting 'l')" },
    { source: "1 2", message: "unexpected content after JSON" },
  ];
  for (const { source, message } of cases) {
    it(`says what is wrong with ${JSON.stringify(source)}`, () => {
      assert.throws(() => parseJson(source), new OperationError("invalid", message));
    });
  }

  it("reads what is right", () => {
    assert.deepEqual(parseJson(' {"a": [1.5e3, -0, true, null, "\\u00e9"]} '), { a: [1500, -0, true, null, "é"] });
  });
});
