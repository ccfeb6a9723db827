// Runs the scenarios on the real Docker Engine and on ours side by side and prints where they differ.
//   node --import=tsx test/oracle/main.ts [part of a scenario's name]
import { startEngines, stopEngines } from "./engines.ts";
import { runDocker, runScenario, type ScenarioResult } from "./run-scenario.ts";
import { CONTAINER_SCENARIOS, SWARM_SCENARIOS } from "./scenarios.ts";

const DIFFERENCES_SHOWN_MAX = 12;
const filter = process.argv[2] ?? "";
const results: ScenarioResult[] = [];

try {
  const engines = startEngines();
  for (const scenario of CONTAINER_SCENARIOS.filter(({ name }) => name.includes(filter)))
    report(await runScenario(scenario, engines));
  const swarmScenarios = SWARM_SCENARIOS.filter(({ name }) => name.includes(filter));
  if (swarmScenarios.length > 0) {
    for (const [engine, address] of [
      [engines.real, "127.0.0.1"],
      [engines.ours, "10.99.0.11"],
    ] as const)
      await runDocker(engine, ["swarm", "init", "--advertise-addr", address]);
  }
  for (const scenario of swarmScenarios) report(await runScenario(scenario, engines));
} finally {
  if (process.env["KEEP"] === undefined) stopEngines();
}
const misses = results.filter(({ differences }) => differences.length > 0);
console.log(`\n${results.length} scenarios, ${results.length - misses.length} the same, ${misses.length} differ`);
process.exitCode = misses.length === 0 ? 0 : 1;

function report(result: ScenarioResult): void {
  results.push(result);
  console.log(`${result.differences.length === 0 ? "same  " : "DIFFER"} ${result.scenario.name}`);
  for (const { where, real, ours } of result.differences.slice(0, DIFFERENCES_SHOWN_MAX)) {
    console.log(`         ${where}\n           real ${JSON.stringify(real)}\n           ours ${JSON.stringify(ours)}`);
  }
  if (result.differences.length > DIFFERENCES_SHOWN_MAX)
    console.log(`         and ${result.differences.length - DIFFERENCES_SHOWN_MAX} more`);
}
