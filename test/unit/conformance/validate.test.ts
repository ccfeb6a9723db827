import assert from "node:assert/strict";
import { frameFaults } from "../../conformance/frames.ts";
import { type Schema, Specification } from "../../conformance/specification.ts";
import { validate } from "../../conformance/validate.ts";
import { compareShapes, shapeOf } from "../../conformance/shape.ts";

const PORT: Schema = {
  type: "object",
  required: ["Number"],
  properties: { Number: { type: "integer", format: "uint16" }, Type: { type: "string", enum: ["tcp", "udp"] } },
};
const SPECIFICATION = new Specification({ info: { version: "1" }, definitions: { Port: PORT }, paths: {} });

describe("the validator", () => {
  const text: Schema = { type: "string" };
  const port: Schema = { $ref: "#/definitions/Port" };
  const CASES: readonly { readonly when: string; readonly schema: Schema; readonly right: unknown; readonly wrong: unknown }[] = [
    { when: "a type is another", schema: text, right: "a", wrong: 1 },
    { when: "a whole number is none", schema: { type: "integer" }, right: 1, wrong: 1.5 },
    { when: "a list is an object", schema: { type: "array" }, right: [], wrong: {} },
    { when: "a value is null", schema: text, right: "", wrong: null },
    { when: "a reference is null", schema: port, right: { Number: 1 }, wrong: null },
    { when: "an item of a list is another", schema: { type: "array", items: text }, right: ["a"], wrong: ["a", 1] },
    {
      when: "a value of a map is another",
      schema: { type: "object", additionalProperties: text },
      right: { a: "b" },
      wrong: { a: 1 },
    },
    { when: "a required key is missing", schema: port, right: { Number: 1, Other: 1 }, wrong: { Type: "tcp" } },
    { when: "a word is none of its few", schema: port, right: { Number: 1, Type: "udp" }, wrong: { Number: 1, Type: "icmp" } },
    { when: "a number is beyond its format", schema: port, right: { Number: 65_535 }, wrong: { Number: 65_536 } },
    { when: "a number is too small", schema: { type: "integer", minimum: 1 }, right: 1, wrong: 0 },
    {
      when: "a time is none",
      schema: { type: "string", format: "dateTime" },
      right: "2026-01-02T03:04:05.678Z",
      wrong: "2 Jan 2026",
    },
    { when: "an address is none", schema: { type: "string", format: "ip-address" }, right: "::1", wrong: "10.0.0" },
    { when: "a text has another form", schema: { type: "string", pattern: "^a+$" }, right: "aa", wrong: "ab" },
    {
      when: "one part of several breaks",
      schema: { allOf: [port, { type: "object", required: ["More"] }] },
      right: { Number: 1, More: 1 },
      wrong: { Number: 1 },
    },
    { when: "a key is not allowed", schema: { type: "object", additionalProperties: false }, right: {}, wrong: { a: 1 } },
  ];
  for (const { when, schema, right, wrong } of CASES) {
    it(`complains when ${when}`, () => {
      assert.deepEqual(validate(right, schema, SPECIFICATION), []);
      assert.equal(validate(wrong, schema, SPECIFICATION).length, 1);
    });
  }

  it("takes null where the schema does, also beside a reference", () => {
    assert.deepEqual(validate(null, { ...text, "x-nullable": true }, SPECIFICATION), []);
    assert.deepEqual(validate(null, { ...port, "x-nullable": true }, SPECIFICATION), []);
  });

  it("says where", () => {
    const list: Schema = { type: "object", additionalProperties: { type: "array", items: port } };
    assert.deepEqual(validate({ any: [{ Number: "1" }] }, list, SPECIFICATION), [
      { at: "{}[].Number", rule: "string, not integer" },
    ]);
  });
});

describe("frames of a stream", () => {
  const frame = (text: string, stream = 1) =>
    Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);

  it("are taken whole, and complained of when they are not", () => {
    const right = Buffer.concat([frame("out"), frame("", 2)]);
    assert.deepEqual(frameFaults(right), []);
    assert.equal(frameFaults(right.subarray(0, -3)).length, 1);
    assert.equal(frameFaults(frame("out").subarray(0, -1)).length, 1);
    assert.equal(frameFaults(frame("out", 7)).length, 1);
    assert.equal(frameFaults(Buffer.from("no frames at all")).length, 1);
  });
});

describe("the shape of a value", () => {
  const shape = (value: unknown) => shapeOf(value, { type: "object", additionalProperties: PORT }, SPECIFICATION);

  it("differs in keys and types, not in values or in names that are data", () => {
    const one = shape({ a: { Number: 1, Type: "tcp" } });
    assert.deepEqual(compareShapes(one, shape({ b: { Number: 2, Type: "udp" } })), []);
    assert.deepEqual(compareShapes(one, shape({ b: { Number: "2", Other: null, Type: "udp" } })), [
      "only the real engine has {}.Number: number",
      "only ours has {}.Number: string",
      "only ours has {}.Other: null",
    ]);
  });
});
