import { CLUSTER_SCENARIOS } from "./cluster-scenarios.ts";
import type { Engine } from "./engines.ts";
import { compareScenario, outcomesOn, runDocker, type ScenarioResult, type ScenarioRun } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";

export const WORKERS = 2;

/** Both swarms at work side by side: a scenario is compared when both are done with it. */
export async function* runCluster(
  { real, ours }: Record<Engine["name"], Engine>,
  scenarios: readonly Scenario[] = CLUSTER_SCENARIOS,
): AsyncGenerator<ScenarioResult> {
  await Promise.all([real, ours].map(formSwarm));
  const runs = [real, ours].map(engine => inTurn(engine, scenarios));
  for (const scenario of scenarios) {
    const [ofReal, ofOurs] = await Promise.all(runs.map(async run => (await run.next()).value));
    if (ofReal !== undefined && ofOurs !== undefined) yield compareScenario(scenario, { real: ofReal, ours: ofOurs });
  }
}

async function* inTurn(engine: Engine, scenarios: readonly Scenario[]): AsyncGenerator<ScenarioRun, undefined> {
  for (const scenario of scenarios) yield await outcomesOn(engine, scenario);
  return undefined;
}

/** @throws Error when a node does not come in. */
async function formSwarm(first: Engine): Promise<void> {
  const need = async (engine: Engine, args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runDocker(engine, args);
    if (exitCode !== 0) throw new Error(`${engine.name}: docker ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  await need(first, ["swarm", "init", "--advertise-addr", first.address]);
  const token = await need(first, ["swarm", "join-token", "-q", "worker"]);
  for (const [, worker] of [...first.others].slice(1))
    await need(worker, ["swarm", "join", "--advertise-addr", worker.address, "--token", token, `${first.address}:2377`]);
}
