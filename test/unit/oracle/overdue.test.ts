import assert from "node:assert/strict";
import type { Outcome } from "../../oracle/compare.ts";
import { compareScenario, type ScenarioRun } from "../../oracle/run-scenario.ts";
import { docker, until } from "../../oracle/scenario.ts";

const SCENARIO = { name: "a service comes up", steps: [docker("service create web"), until("service ls", /1\/1/)] };
const DONE: Outcome = { exitCode: 0, stdout: "1/1\n", stderr: "" };
const OVERDUE: Outcome = { exitCode: 0, stdout: "0/1\n", stderr: "", isOverdue: true };
const run = (last: Outcome): ScenarioRun => ({ outcomes: [DONE, last], aftermath: {}, tookMs: 0 });

describe("what a comparison waits for", () => {
  it("has to come to pass, though both engines say the same when it does not", () => {
    assert.deepEqual(compareScenario(SCENARIO, { real: run(OVERDUE), ours: run(OVERDUE) }).differences, [
      { where: "2 service ls", real: "waited in vain", ours: "waited in vain" },
    ]);
    assert.deepEqual(compareScenario(SCENARIO, { real: run(DONE), ours: run(DONE) }).differences, []);
  });

  it("has to come to pass on each", () => {
    const { differences } = compareScenario(SCENARIO, { real: run(DONE), ours: run(OVERDUE) });
    assert.deepEqual(differences.at(-1), { where: "2 service ls", real: "waited", ours: "waited in vain" });
  });
});
