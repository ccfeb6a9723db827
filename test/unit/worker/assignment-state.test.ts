import assert from "node:assert/strict";
import type { Assignment } from "../../../src/model/session.ts";
import { applyAssignments, NOTHING_ASSIGNED } from "../../../src/worker/assignment-state.ts";

function config(id: string, text = ""): Assignment {
  return { kind: "config", config: { id, data: Buffer.from(text) } };
}

describe("what a node was told", () => {
  const first = applyAssignments(NOTHING_ASSIGNED, { sequence: 1, isFull: true, put: [config("a"), config("b")], removed: [] });

  it("is replaced by a full list", () => {
    const next = applyAssignments(first, { sequence: 1, isFull: true, put: [config("c")], removed: [] });
    assert.deepEqual([...next.byKey.keys()], ["config/c"]);
  });

  it("is changed by a delta, and what was handed out stays as it was", () => {
    const next = applyAssignments(first, {
      sequence: 2,
      isFull: false,
      put: [config("b", "new"), config("c")],
      removed: [{ kind: "config", id: "a" }],
    });
    assert.deepEqual([...next.byKey.keys()], ["config/b", "config/c"]);
    assert.deepEqual(next.byKey.get("config/b"), config("b", "new"));
    assert.deepEqual([...first.byKey.keys()], ["config/a", "config/b"]);
  });

  for (const sequence of [1, 3]) {
    it(`breaks when ${sequence} comes after 1`, () => {
      assert.throws(
        () => applyAssignments(first, { sequence, isFull: false, put: [], removed: [] }),
        /assignments \d came after 1/,
      );
    });
  }
});
