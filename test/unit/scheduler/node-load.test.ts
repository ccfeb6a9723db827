import assert from "node:assert/strict";
import fc from "fast-check";
import { NodeLoad } from "../../../src/scheduler/node-view.ts";
import { aView } from "./fixtures.ts";

/** Few characters, so that many begin alike; also some that have no room in what is compared first. */
const ids = fc.string({ unit: fc.constantFrom("0", "9", "a", "z", "~", "\u007f", "\u0080", "\u1234"), maxLength: 8 });

describe("nodes with as much on each", () => {
  it("go by their ids, as strings are compared", () =>
    fc.assert(
      fc.property(ids, ids, (one, other) => {
        const [left, right] = [one, other].map(id => new NodeLoad(aView({ id })));
        assert.equal(left?.isBefore(right as NodeLoad), one < other);
      }),
      { numRuns: 2_000 },
    ));
});
