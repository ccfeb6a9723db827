import { ATTACHABLE_SCENARIOS } from "./attachable-scenarios.ts";
import { BUILD_SCENARIOS } from "./build-scenarios.ts";
import { COMMAND_SCENARIOS } from "./command-scenarios.ts";
import { LOCK_SCENARIOS } from "./lock-scenarios.ts";
import { LOG_SCENARIOS } from "./log-scenarios.ts";
import { CONTAINER_SCENARIOS } from "./container-scenarios.ts";
import { EVENT_SCENARIOS } from "./event-scenarios.ts";
import { FLAG_SCENARIOS } from "./flag-scenarios.ts";
import { INSIDE_SCENARIOS } from "./inside-scenarios.ts";
import { NETWORK_SCENARIOS } from "./network-scenarios.ts";
import { OPTION_SCENARIOS } from "./option-scenarios.ts";
import { DAEMON_SCENARIOS } from "./daemon-scenarios.ts";
import { USERNS_SCENARIOS } from "./userns-scenarios.ts";
import { RESTART_SCENARIOS } from "./restart-scenarios.ts";
import { GENERIC_RESOURCE_SCENARIOS } from "./generic-resource-scenarios.ts";
import { BAD_INPUT_SCENARIOS } from "./bad-input.ts";
import type { Engine } from "./engines.ts";
import { EventListener } from "./events.ts";
import { compareScenario, outcomesOn, runDocker, type ScenarioResult, type ScenarioRun } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";
import { CERTIFICATE_SCENARIOS } from "./certificate-scenarios.ts";
import { SWARM_CREATE_SCENARIOS } from "./swarm-create-scenarios.ts";
import { SWARM_DETAIL_SCENARIOS } from "./swarm-detail-scenarios.ts";
import { SWARM_LISTING_SCENARIOS } from "./swarm-listing-scenarios.ts";
import { SWARM_MEMBERSHIP_SCENARIOS } from "./swarm-membership-scenarios.ts";
import { SWARM_OBJECT_SCENARIOS } from "./swarm-object-scenarios.ts";
import { SWARM_STACK_SCENARIOS } from "./swarm-stack-scenarios.ts";
import { SWARM_UPDATE_SCENARIOS } from "./swarm-update-scenarios.ts";
import { VERB_SCENARIOS } from "./verb-scenarios.ts";
import { SWARM_SCENARIOS } from "./swarm-scenarios.ts";

const LONE: readonly Scenario[] = [
  ...CONTAINER_SCENARIOS,
  ...OPTION_SCENARIOS,
  ...NETWORK_SCENARIOS,
  ...INSIDE_SCENARIOS,
  ...FLAG_SCENARIOS,
  ...VERB_SCENARIOS,
  ...BUILD_SCENARIOS,
  ...COMMAND_SCENARIOS,
  ...EVENT_SCENARIOS,
  ...LOG_SCENARIOS,
  ...RESTART_SCENARIOS,
  ...BAD_INPUT_SCENARIOS.filter(({ needsSwarm }) => !needsSwarm),
  // The last: a real engine that was started anew takes its bridge's addresses for chosen ones.
  ...DAEMON_SCENARIOS,
  ...USERNS_SCENARIOS,
];
const SWARM: readonly Scenario[] = [
  ...SWARM_SCENARIOS,
  ...SWARM_DETAIL_SCENARIOS,
  ...CERTIFICATE_SCENARIOS,
  ...ATTACHABLE_SCENARIOS,
  ...SWARM_CREATE_SCENARIOS,
  ...SWARM_UPDATE_SCENARIOS,
  ...SWARM_LISTING_SCENARIOS,
  ...SWARM_OBJECT_SCENARIOS,
  ...SWARM_STACK_SCENARIOS,
  ...BAD_INPUT_SCENARIOS.filter(({ needsSwarm }) => needsSwarm),
  // The last: they leave the swarm that the others are in.
  ...SWARM_MEMBERSHIP_SCENARIOS,
  // Before those that start the daemons anew.
  ...GENERIC_RESOURCE_SCENARIOS,
  ...LOCK_SCENARIOS,
];

export const SCENARIOS: readonly Scenario[] = [...LONE, ...SWARM];

const ASKED_AGAIN = 3;

/** Two engines; several such pairs share the work. */
export interface Pair {
  readonly real: Engine;
  readonly ours: Engine;
}

/**
 * Runs all scenarios that are wanted. No engine waits for another: each takes the next scenario of its side when it is done with one.
 * The first pair is in a swarm from the start where there are others to do the rest, or else at the end.
 */
export async function* runAll(
  pairs: readonly Pair[],
  isWanted: (scenario: Scenario) => boolean = () => true,
): AsyncGenerator<ScenarioResult> {
  const ofReal = startSide(
    pairs.map(({ real }) => real),
    { isWanted, address: "127.0.0.1" },
  );
  const ofOurs = startSide(
    pairs.map(({ ours }) => ours),
    { isWanted, address: "10.99.0.11" },
  );
  for (const scenario of SCENARIOS.filter(isWanted)) {
    const [real, ours] = [ofReal.get(scenario), ofOurs.get(scenario)];
    if (real !== undefined && ours !== undefined) yield compareScenario(scenario, { real: await real, ours: await ours });
  }
}

/**
 * What the real engine does by chance (what it tells first, whether it noticed that memory ran out) is no difference: ours is right when
 * the real one answers so as well. So where they differ the real one is asked again, and ours is held against each of its answers; what
 * ours did is not done again.
 */
export async function settle({ real }: Pair, result: ScenarioResult): Promise<ScenarioResult> {
  const { scenario, ours } = result;
  const events = SWARM.includes(scenario) ? undefined : await EventListener.open(real);
  for (let again = 0; again < ASKED_AGAIN; again++) {
    const other = compareScenario(scenario, { real: await outcomesOn(real, scenario, events), ours });
    if (other.differences.length === 0) return other;
  }
  return result;
}

/** The engines that a scenario runs on. */
export function pairFor(pairs: readonly Pair[], scenario: Scenario): Pair | undefined {
  return SWARM.includes(scenario) ? pairs[0] : pairs.at(-1);
}

interface SideOptions {
  readonly isWanted: (scenario: Scenario) => boolean;
  /** To advertise in a swarm. */
  readonly address: string;
}

/** All engines of one kind at work; each scenario's outcomes when it is done. */
function startSide(engines: readonly Engine[], { isWanted, address }: SideOptions): ReadonlyMap<Scenario, Promise<ScenarioRun>> {
  const started = new Map<Scenario, Promise<ScenarioRun>>();
  const [first, ...others] = engines;
  if (first === undefined) return started;
  const lone = share(others.length === 0 ? [first] : others, LONE.filter(isWanted), async engine => {
    const events = await EventListener.open(engine);
    return scenario => outcomesOn(engine, scenario, events);
  });
  const inSwarm = share([first], SWARM.filter(isWanted), async engine => {
    if (others.length === 0) await Promise.allSettled(lone.values());
    await runDocker(engine, ["swarm", "init", "--advertise-addr", address]);
    return scenario => outcomesOn(engine, scenario);
  });
  for (const [scenario, done] of [...lone, ...inSwarm]) started.set(scenario, done);
  return started;
}

type Run = (scenario: Scenario) => Promise<ScenarioRun>;

/** Each engine takes the next scenario when it is done with one. A failure of the harness itself is told to whoever asks for the scenario. */
function share(
  engines: readonly Engine[],
  scenarios: readonly Scenario[],
  open: (engine: Engine) => Promise<Run>,
): ReadonlyMap<Scenario, Promise<ScenarioRun>> {
  const takers: ((run: Promise<ScenarioRun>) => void)[] = [];
  const done = new Map(scenarios.map(scenario => [scenario, new Promise<ScenarioRun>(resolve => takers.push(resolve))]));
  let next = 0;
  const work = async (engine: Engine): Promise<void> => {
    const opened = scenarios.length === 0 ? undefined : open(engine);
    for (let index = next++; index < scenarios.length; index = next++) {
      const scenario = scenarios[index];
      const run = opened?.then(each => (scenario === undefined ? Promise.reject(new Error("no such scenario")) : each(scenario)));
      if (run === undefined) return;
      takers[index]?.(run);
      await Promise.allSettled([run]);
    }
  };
  for (const engine of engines) void work(engine);
  for (const promise of done.values()) promise.catch(() => undefined);
  return done;
}
