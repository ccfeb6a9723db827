import assert from "node:assert/strict";
import { field, omitEmpty, struct } from "../../../src/api/wire/codec.ts";
import { flag, int64, list, map, optional, text, texts, unlessZero } from "../../../src/api/wire/scalars.ts";

interface Inner {
  readonly size: number;
}
interface Shape {
  readonly name: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly count?: number;
  readonly isOn?: boolean;
  readonly inner?: Inner;
  readonly inners: readonly Inner[];
}

const inner = struct<Inner>("pkg.Inner", { size: field("Size", int64) });
const shape = struct<Shape>("pkg.Shape", {
  name: field("Name", text),
  tags: field("Tags", texts),
  labels: omitEmpty("Labels", map(text)),
  count: omitEmpty("Count", optional(int64)),
  isOn: omitEmpty("On", unlessZero(flag)),
  inner: field("Inner", optional(inner)),
  inners: omitEmpty("Inners", list(inner)),
});
const ZERO: Shape = { name: "", tags: [], labels: {}, inners: [] };

describe("a JSON shape", () => {
  it("reads nothing as the zero value", () => {
    for (const nothing of [undefined, null, {}]) assert.deepEqual(shape.read(nothing), ZERO);
  });

  it("takes keys in any case and passes over unknown ones", () => {
    assert.deepEqual(shape.read({ NAME: "a", tAgS: ["b"], other: 1 }), { ...ZERO, name: "a", tags: ["b"] });
  });

  it("takes null for the zero value", () => {
    assert.deepEqual(shape.read({ Name: null, Tags: null, Labels: null, Count: null, Inner: null }), ZERO);
  });

  it("keeps a pointer to zero, both ways", () => {
    assert.deepEqual(shape.read({ Count: 0, On: false }), { ...ZERO, count: 0 });
    assert.deepEqual(shape.write({ ...ZERO, count: 0 }), { Name: "", Tags: null, Count: 0, Inner: null });
  });

  it("reads back what it wrote", () => {
    const value: Shape = {
      name: "a",
      tags: ["b"],
      labels: { c: "d" },
      count: 2,
      isOn: true,
      inner: { size: 1 },
      inners: [{ size: 3 }],
    };
    assert.deepEqual(shape.read(shape.write(value)), value);
  });

  it("reads only what is present for an update", () => {
    assert.deepEqual(shape.readPresent({ Name: "a" }), { name: "a" });
  });

  const errors = [
    { body: [], message: "json: cannot unmarshal array into Go value of type pkg.Shape" },
    { body: { Name: 1 }, message: "json: cannot unmarshal number into Go struct field Shape.Name of type string" },
    { body: { Tags: "a" }, message: "json: cannot unmarshal string into Go struct field Shape.Tags of type []string" },
    {
      body: { Inner: { Size: true } },
      message: "json: cannot unmarshal bool into Go struct field Shape.Inner.Size of type int64",
    },
    { body: { Inner: 1 }, message: "json: cannot unmarshal number into Go struct field Shape.Inner of type pkg.Inner" },
    { body: { Count: 1e300 }, message: "json: cannot unmarshal number 1e+300 into Go struct field Shape.Count of type int64" },
  ];
  for (const { body, message } of errors) {
    it(`refuses ${JSON.stringify(body)}`, () => {
      assert.throws(() => shape.read(body), { message });
    });
  }
});
