import assert from "node:assert/strict";
import { mayRestart, restartDelayMs } from "../../../../src/manager/orchestrator/restart.ts";
import type { RestartSpec, Task } from "../../../../src/model/cluster.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { TaskState } from "../../../../src/model/task-state.ts";

const NOW_MS = 100_000;

function anEnded(
  state: TaskState,
  { atMs = NOW_MS, revision = "r1" }: { readonly atMs?: number; readonly revision?: string } = {},
): Task {
  return {
    id: asId(`task-${state}-${atMs}`),
    version: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
    serviceId: asId("s1"),
    revisionId: asId(revision),
    slot: 1,
    desiredState: "shutdown",
    status: { state, atMs, message: "" },
    networks: [],
    hostPorts: [],
  };
}

describe("whether a task gets a successor", () => {
  const twice: RestartSpec = { condition: "any", maxAttempts: 2 };
  const windowed: RestartSpec = { ...twice, windowNs: 10e9 };
  const cases: readonly {
    readonly when: string;
    readonly restart: RestartSpec | undefined;
    readonly state?: TaskState;
    readonly earlier?: readonly Task[];
    readonly may: boolean;
  }[] = [
    { when: "nothing is said", restart: undefined, state: "complete", may: true },
    { when: "the condition is none", restart: { condition: "none" }, may: false },
    { when: "it failed and failures count", restart: { condition: "on-failure" }, may: true },
    { when: "it was rejected and failures count", restart: { condition: "on-failure" }, state: "rejected", may: true },
    { when: "it is complete and failures count", restart: { condition: "on-failure" }, state: "complete", may: false },
    { when: "one attempt of two was made", restart: twice, earlier: [anEnded("failed")], may: true },
    {
      when: "two attempts of two were made",
      restart: twice,
      earlier: [anEnded("failed"), anEnded("complete", { atMs: 1 })],
      may: false,
    },
    {
      when: "attempts were of another revision",
      restart: twice,
      earlier: [anEnded("failed", { revision: "r0" }), anEnded("failed", { revision: "r0", atMs: 1 })],
      may: true,
    },
    {
      when: "tasks before it were stopped, not ended",
      restart: twice,
      earlier: [anEnded("shutdown"), anEnded("shutdown", { atMs: 1 })],
      may: true,
    },
    {
      when: "attempts were before the window",
      restart: windowed,
      earlier: [anEnded("failed", { atMs: NOW_MS - 10_001 }), anEnded("failed", { atMs: NOW_MS - 20_000 })],
      may: true,
    },
    {
      when: "attempts were within the window",
      restart: windowed,
      earlier: [anEnded("failed", { atMs: NOW_MS - 10_000 }), anEnded("failed", { atMs: NOW_MS - 1 })],
      may: false,
    },
  ];
  for (const { when, restart, state = "failed", earlier = [], may } of cases) {
    it(`is ${may ? "yes" : "no"} when ${when}`, () => {
      assert.equal(mayRestart(anEnded(state), { restart, earlier, nowMs: NOW_MS }), may);
    });
  }

  it("waits 5 s by default, and as long as is said otherwise", () => {
    assert.deepEqual(
      [undefined, { condition: "any", delayNs: 0 }, { condition: "any", delayNs: 2e9 }].map(spec =>
        restartDelayMs(spec as RestartSpec),
      ),
      [5_000, 0, 2_000],
    );
  });
});
