import assert from "node:assert/strict";
import { TASK_STATES, isTerminal } from "../../../src/model/task-state.ts";
import type { TaskState } from "../../../src/model/task-state.ts";
import { nextStep } from "../../../src/worker/task-machine.ts";

describe("the next step of a task", () => {
  const cases: readonly (readonly [TaskState, TaskState, boolean, string])[] = [
    ["assigned", "running", false, "accept"],
    ["assigned", "ready", false, "accept"],
    ["accepted", "ready", false, "prepare"],
    ["preparing", "running", false, "prepare"],
    ["ready", "ready", true, "rest"],
    ["ready", "running", true, "start"],
    ["ready", "running", false, "prepare"],
    ["starting", "running", true, "start"],
    ["starting", "running", false, "prepare"],
    ["running", "running", false, "wait"],
    ["running", "shutdown", false, "stop"],
    ["ready", "remove", true, "stop"],
    ["assigned", "shutdown", false, "stop"],
  ];
  for (const [state, desiredState, isPrepared, kind] of cases) {
    it(`is to ${kind} when it is ${state}, wanted ${desiredState}, ${isPrepared ? "" : "not "}prepared here`, () => {
      assert.equal(nextStep({ state, desiredState, isPrepared }).kind, kind);
    });
  }

  it("is none once it has ended", () => {
    for (const state of TASK_STATES.filter(isTerminal)) {
      for (const desiredState of TASK_STATES) assert.equal(nextStep({ state, desiredState, isPrepared: true }).kind, "rest");
    }
  });
});
