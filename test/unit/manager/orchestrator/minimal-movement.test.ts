import assert from "node:assert/strict";
import fc from "fast-check";
import { decide } from "./situation.ts";
import type { Situation } from "./situation.ts";

const NODES = ["n1", "n2", "n3"] as const;

const anyService = fc.record({
  /** Where its tasks run, by slot. */
  places: fc.array(fc.constantFrom(...NODES), { maxLength: 8 }),
  replicas: fc.nat({ max: 8 }),
  down: fc.subarray([...NODES], { maxLength: 2 }),
});
type Running = typeof anyService extends fc.Arbitrary<infer Value> ? Value : never;

function situationOf({ places, replicas, down }: Running): Situation {
  return {
    mode: { kind: "replicated", replicas },
    tasks: places.map((node, index) => `t${index + 1} ${index + 1}@${node} running/running`),
    nodes: down.map(id => ({ id, state: "down" })),
  };
}

/** How many tasks run where nothing is wrong, and what becomes of the tasks. */
function outcomeOf(running: Running) {
  const { does } = decide(situationOf(running));
  const isWell = (at: number): boolean => !running.down.some(id => id === running.places[at - 1]);
  const stopped = does.flatMap(word => (/^t(\d+): (?:shutdown|remove)$/.test(word) ? [Number(/\d+/.exec(word)?.[0])] : []));
  // Of a lost one's successor that turns out to be one too many no more comes than its end.
  const created = does.filter(word => word.startsWith("+") && !word.endsWith("remove"));
  const well = running.places.filter((_, index) => isWell(index + 1)).length;
  return { does, well, stoppedWell: stopped.filter(isWell), created };
}

describe("a replicated service is moved as little as can be", () => {
  it("takes down no task that runs well unless there are too many of those", () => {
    fc.assert(
      fc.property(anyService, running => {
        const { does, well, stoppedWell } = outcomeOf(running);
        assert.equal(stoppedWell.length, Math.max(0, well - running.replicas), does.join("; "));
      }),
      { numRuns: 500 },
    );
  });

  it("makes as many tasks as are missing, and as many as were lost with their nodes and are still wanted", () => {
    fc.assert(
      fc.property(anyService, running => {
        const { does, well, created } = outcomeOf(running);
        assert.equal(created.length, Math.max(0, running.replicas - well), does.join("; "));
      }),
      { numRuns: 500 },
    );
  });

  it("leaves what is as it should be alone, however unevenly it lies", () => {
    fc.assert(
      fc.property(anyService, ({ places }) => {
        assert.deepEqual(decide(situationOf({ places, replicas: places.length, down: [] })), { does: [] });
      }),
    );
  });
});
