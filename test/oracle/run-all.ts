import { COMMAND_SCENARIOS } from "./command-scenarios.ts";
import { LOG_SCENARIOS } from "./log-scenarios.ts";
import { CONTAINER_SCENARIOS } from "./container-scenarios.ts";
import { EVENT_SCENARIOS } from "./event-scenarios.ts";
import { NETWORK_SCENARIOS } from "./network-scenarios.ts";
import { OPTION_SCENARIOS } from "./option-scenarios.ts";
import { RESTART_SCENARIOS } from "./restart-scenarios.ts";
import { BAD_INPUT_SCENARIOS } from "./bad-input.ts";
import type { Engine } from "./engines.ts";
import { compareScenario, outcomesOn, runDocker, type ScenarioResult, type ScenarioRun } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";
import { SWARM_DETAIL_SCENARIOS } from "./swarm-detail-scenarios.ts";
import { SWARM_SCENARIOS } from "./swarm-scenarios.ts";

const LONE: readonly Scenario[] = [
  ...CONTAINER_SCENARIOS,
  ...OPTION_SCENARIOS,
  ...NETWORK_SCENARIOS,
  ...COMMAND_SCENARIOS,
  ...EVENT_SCENARIOS,
  ...LOG_SCENARIOS,
  ...RESTART_SCENARIOS,
  ...BAD_INPUT_SCENARIOS.filter(({ needsSwarm }) => !needsSwarm),
];
const SWARM: readonly Scenario[] = [
  ...SWARM_SCENARIOS,
  ...SWARM_DETAIL_SCENARIOS,
  ...BAD_INPUT_SCENARIOS.filter(({ needsSwarm }) => needsSwarm),
];

export const SCENARIOS: readonly Scenario[] = [...LONE, ...SWARM];

interface Engines {
  readonly real: Engine;
  readonly ours: Engine;
}

/** Runs all scenarios that are wanted, those of a swarm last: the engines are in one from then on. Neither waits for the other. */
export async function* runAll(
  { real, ours }: Engines,
  isWanted: (scenario: Scenario) => boolean = () => true,
): AsyncGenerator<ScenarioResult> {
  const ofReal = startOn(real, { isWanted, address: "127.0.0.1" });
  const ofOurs = startOn(ours, { isWanted, address: "10.99.0.11" });
  for (const [scenario, outcomes] of ofReal) {
    const ourOutcomes = ofOurs.get(scenario);
    if (ourOutcomes !== undefined) yield compareScenario(scenario, { real: await outcomes, ours: await ourOutcomes });
  }
}

/** One scenario after another. */
function startOn(
  engine: Engine,
  { isWanted, address }: { readonly isWanted: (scenario: Scenario) => boolean; readonly address: string },
): ReadonlyMap<Scenario, Promise<ScenarioRun>> {
  const started = new Map<Scenario, Promise<ScenarioRun>>();
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined); // Told to whoever asks for it.
    return done;
  };
  for (const scenario of LONE.filter(isWanted))
    started.set(
      scenario,
      inTurn(() => outcomesOn(engine, scenario)),
    );
  const inSwarm = SWARM.filter(isWanted);
  if (inSwarm.length > 0)
    void inTurn(() => runDocker(engine, ["swarm", "init", "--advertise-addr", address])).catch(() => undefined);
  for (const scenario of inSwarm)
    started.set(
      scenario,
      inTurn(() => outcomesOn(engine, scenario)),
    );
  return started;
}
