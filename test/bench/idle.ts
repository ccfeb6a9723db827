import { compareRuns } from "./containers.ts";
import { both, docker, type Engines } from "./docker.ts";
import type { Gate } from "./gates.ts";
import { compareMemory } from "./memory.ts";
import { compareStarts } from "./starts.ts";

const RUNNING = 100;
const LISTED = 200;
const PS_RUNS = 15;

/** A hundred containers started at once, what the engines weigh with them, and how soon they list them and as many that do not run. */
export async function compareIdle(engines: Engines): Promise<readonly Gate[]> {
  const names = Array.from({ length: LISTED }, (_, index) => `idle${index}`);
  const [running, others] = [names.slice(0, RUNNING), names.slice(RUNNING)];
  const started = await compareStarts(engines, running);
  const memory = compareMemory(engines, RUNNING);
  for (const engine of both(engines)) for (const name of others) docker(engine, ["create", "--name", name, "busybox", "true"]);
  const listed = await compareRuns(`ps with ${LISTED} containers`, { engines, ratioMax: 1, runs: PS_RUNS }, [["ps", "-a"]]);
  for (const engine of both(engines)) docker(engine, ["rm", "-f", ...names]);
  return [started, ...memory, listed];
}
