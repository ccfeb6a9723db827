import { COMMAND_SCENARIOS } from "./command-scenarios.ts";
import { CONTAINER_SCENARIOS } from "./container-scenarios.ts";
import { NETWORK_SCENARIOS } from "./network-scenarios.ts";
import { OPTION_SCENARIOS } from "./option-scenarios.ts";
import { BAD_INPUT_SCENARIOS } from "./bad-input.ts";
import type { Engine } from "./engines.ts";
import { runDocker, runScenario, type ScenarioResult } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";
import { SWARM_DETAIL_SCENARIOS } from "./swarm-detail-scenarios.ts";
import { SWARM_SCENARIOS } from "./swarm-scenarios.ts";

const LONE: readonly Scenario[] = [
  ...CONTAINER_SCENARIOS,
  ...OPTION_SCENARIOS,
  ...NETWORK_SCENARIOS,
  ...COMMAND_SCENARIOS,
  ...BAD_INPUT_SCENARIOS.filter(({ needsSwarm }) => !needsSwarm),
];
const SWARM: readonly Scenario[] = [
  ...SWARM_SCENARIOS,
  ...SWARM_DETAIL_SCENARIOS,
  ...BAD_INPUT_SCENARIOS.filter(({ needsSwarm }) => needsSwarm),
];

export const SCENARIOS: readonly Scenario[] = [...LONE, ...SWARM];

/** Runs all scenarios that are wanted, those of a swarm last: the engines are in one from then on. */
export async function* runAll(
  engines: { readonly real: Engine; readonly ours: Engine },
  isWanted: (scenario: Scenario) => boolean = () => true,
): AsyncGenerator<ScenarioResult> {
  for (const scenario of LONE.filter(isWanted)) yield await runScenario(scenario, engines);
  const inSwarm = SWARM.filter(isWanted);
  if (inSwarm.length === 0) return;
  await Promise.all([
    runDocker(engines.real, ["swarm", "init", "--advertise-addr", "127.0.0.1"]),
    runDocker(engines.ours, ["swarm", "init", "--advertise-addr", "10.99.0.11"]),
  ]);
  for (const scenario of inSwarm) yield await runScenario(scenario, engines);
}
