import { both, docker, type Engines, get } from "./docker.ts";
import { round, summarize } from "./statistics.ts";

const CONTAINERS = 100;
const REQUESTS = 50;

/** `GET /containers/json`, what `ps` waits for, with many containers. */
export async function compareListing(engines: Engines): Promise<void> {
  const names = Array.from({ length: CONTAINERS }, (_, index) => `listed${index}`);
  for (const engine of both(engines)) for (const name of names) docker(engine, ["create", "--name", name, "busybox", "true"]);
  const times = { real: [] as number[], ours: [] as number[] };
  for (let turn = 0; turn < REQUESTS; turn++) {
    for (const engine of both(engines)) {
      const startedMs = performance.now();
      await get(engine, "/containers/json?all=1");
      times[engine.name].push(performance.now() - startedMs);
    }
  }
  for (const engine of both(engines)) docker(engine, ["rm", ...names]);
  const [real, ours] = [summarize(times.real), summarize(times.ours)];
  console.log(
    `GET /containers/json, ${CONTAINERS} containers: real ${round(real.median, 2)} ms (p99 ${round(real.p99)}), ours ${round(ours.median, 2)} ms (p99 ${round(ours.p99)}), ratio ${round(ours.median / real.median, 2)}`,
  );
}
