import assert from "node:assert/strict";
import type { RecordedCall } from "../../chaos/history.ts";
import { PLANTED_WRONGS } from "../../chaos/planted-wrongs.ts";
import { judgeCalls } from "../../chaos/verdict.ts";
import type { ObjectInput, ObjectOutput } from "../../sim/linearizability/cluster-objects.ts";

const inspect: ObjectInput = { kind: "inspect", name: "a" };
const shown = (id: string, version: number, spec: string): ObjectOutput => ({
  kind: "shown",
  objects: [{ name: "a", id, version, spec }],
});

/** A right history of one name: what is planted into it makes it wrong. */
const RIGHT: readonly (readonly [ObjectInput, ObjectOutput?])[] = [
  [
    { kind: "create", name: "a", spec: "1" },
    { kind: "created", id: "x" },
  ],
  [inspect, shown("x", 7, "1")],
  [inspect, shown("x", 7, "1")],
  [{ kind: "update", name: "a", id: "x", version: 7, spec: "2" }, { kind: "done" }],
  [inspect, shown("x", 9, "2")],
  [{ kind: "update", name: "a", id: "x", version: 9, spec: "3" }],
  [inspect, shown("x", 11, "3")],
  [{ kind: "remove", name: "a" }, { kind: "done" }],
  [inspect, { kind: "refused", why: "absent" }],
  [
    { kind: "create", name: "a", spec: "4" },
    { kind: "created", id: "y" },
  ],
];

function historyOf(lines: readonly (readonly [ObjectInput, ObjectOutput?])[]): readonly RecordedCall[] {
  return lines.map(([input, output], at) => ({
    ...{ client: `c${at % 3}`, calledAt: 10 * at, returnedAt: 10 * at + 5, input },
    ...(output && { output }),
  }));
}

describe("the verdict on a chaos run's answers", () => {
  const calls = historyOf(RIGHT);

  it("is right for what is, and each wrong that is planted into it is rejected", () => {
    assert.deepEqual(judgeCalls(calls), {
      ...{ callCount: 10, unansweredCount: 1, longestWithoutWriteMs: 40 },
      ...{ rejectedCount: 8, plantedCount: 8, findings: [] },
    });
  });

  for (const [name, plant] of Object.entries(PLANTED_WRONGS))
    it(`is that the answers are wrong when ${name}`, () => {
      const { findings } = judgeCalls(plant(calls) ?? assert.fail("no place for it"));
      assert.equal(findings.length, 1);
      assert.match(findings[0] ?? "", /^the answers are not linearizable:\n/);
    });

  it("asks of a long history that there is a place for each wrong", () => {
    const reads = Array.from({ length: 100 }, () => [inspect, { kind: "refused", why: "absent" }] as const);
    const { findings, rejectedCount } = judgeCalls(historyOf(reads));
    assert.deepEqual([rejectedCount, findings.length], [0, 8]);
    assert.match(findings[0] ?? "", /^no place to plant: /);
  });
});
