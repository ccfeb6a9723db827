import type { Engine } from "../oracle/engines.ts";
import { both, docker, type Engines, get, until } from "./docker.ts";
import { round, summarize } from "./statistics.ts";

const REPLICAS = 50;
const ROUNDS = 3;
const START_MS = 120_000;
const OUR_ADDRESS = "10.99.0.11";

/** From `service create` until all replicas run on the one node, engine by engine in turn. */
export async function compareReplicas(engines: Engines): Promise<void> {
  const times = { real: [] as number[], ours: [] as number[] };
  for (const engine of both(engines))
    docker(engine, ["swarm", "init", "--advertise-addr", engine.name === "real" ? "127.0.0.1" : OUR_ADDRESS]);
  for (let turn = 0; turn < ROUNDS; turn++) for (const engine of both(engines)) times[engine.name].push(await startAll(engine));
  const [real, ours] = [summarize(times.real).median, summarize(times.ours).median];
  console.log(
    `${REPLICAS} replicas running on one node, median of ${ROUNDS}: real ${round(real / 1_000, 2)} s, ours ${round(ours / 1_000, 2)} s, ratio ${round(ours / real, 2)}`,
  );
}

async function startAll(engine: Engine): Promise<number> {
  const startedMs = performance.now();
  docker(engine, ["service", "create", "-d", "--name", "many", "--replicas", String(REPLICAS), "busybox", "sleep", "1000"]);
  await until("the replicas start", { ms: START_MS, everyMs: 50 }, async () => (await running(engine)) === REPLICAS);
  const tookMs = performance.now() - startedMs;
  docker(engine, ["service", "rm", "many"]);
  await until("the replicas end", { ms: START_MS, everyMs: 200 }, async () => (await containers(engine)) === 0);
  return tookMs;
}

async function running(engine: Engine): Promise<number> {
  const services = (await get(engine, "/services?status=true")) as readonly {
    readonly ServiceStatus?: { readonly RunningTasks: number };
  }[];
  return services[0]?.ServiceStatus?.RunningTasks ?? 0;
}

async function containers(engine: Engine): Promise<number> {
  return ((await get(engine, "/containers/json?all=1")) as readonly unknown[]).length;
}
