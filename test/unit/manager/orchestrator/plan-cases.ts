import assert from "node:assert/strict";
import type { ServiceSpec } from "../../../../src/model/cluster.ts";
import { decide } from "./situation.ts";
import type { Decision, Situation } from "./situation.ts";

interface Case extends Situation, Decision {
  readonly when: string;
}

export function table(cases: readonly Case[]): void {
  for (const { when, does, wakeAtMs, isPartial, ...situation } of cases) {
    it(when, () => {
      const expected = { does, ...(wakeAtMs !== undefined && { wakeAtMs }), ...(isPartial && { isPartial }) };
      assert.deepEqual(decide(situation), expected);
    });
  }
}

export const replicas = (count: number): ServiceSpec["mode"] => ({ kind: "replicated", replicas: count });
export const GLOBAL = { kind: "global" } as const;
export const GLOBAL_JOB = { kind: "global-job" } as const;
export const job = (maxConcurrent: number, totalCompletions: number): ServiceSpec["mode"] => ({
  kind: "replicated-job",
  maxConcurrent,
  totalCompletions,
});
export const DRAINED = { id: "n1", availability: "drain" } as const;
export const DOWN = { id: "n1", state: "down" } as const;
export const NO_RESTART = { restart: { condition: "none" } } as const;
export const AT_ONCE = { restart: { condition: "any", delayNs: 0 } } as const;
export const ON_EAST = { placement: { constraints: ["node.labels.zone == east"] } };
