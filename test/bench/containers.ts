import { spawn } from "node:child_process";
import { loadavg } from "node:os";
import { type Engine, type EngineNames, startEngines, stopEngines } from "../oracle/engines.ts";
import { docker } from "./docker.ts";
import { compareListing } from "./listing.ts";
import { compareMemory } from "./memory.ts";
import { compareReplicas } from "./replicas.ts";
import { round, summarize } from "./statistics.ts";

const NAMES: EngineNames = { lab: "bench", peer: "bench" };
const RUNS = 30;
const RATIO_MAX = 0.5;

/** The real Docker and ours, command by command in turn, so that both have the same noise. @returns false when the gate is missed. */
export async function benchContainers(): Promise<boolean> {
  console.log(
    `load average at the start: ${loadavg()
      .map(load => round(load))
      .join(" ")}`,
  );
  try {
    const engines = startEngines(NAMES);
    const bridge = await compareRuns("run --rm busybox true (bridge)", engines, ["run", "--rm", "busybox", "true"]);
    await compareRuns("run --rm --network none", engines, ["run", "--rm", "--network", "none", "busybox", "true"]);
    for (const engine of [engines.real, engines.ours])
      docker(engine, ["run", "-d", "--name", "target", "busybox", "sleep", "1000"]);
    await compareRuns("exec true", engines, ["exec", "target", "true"]);
    await compareRuns("ps", engines, ["ps"]);
    for (const engine of [engines.real, engines.ours]) docker(engine, ["rm", "-f", "target"]);
    compareMemory(engines);
    await compareListing(engines);
    await compareReplicas(engines);
    const isMet = bridge <= RATIO_MAX;
    console.log(`gate: ratio of run --rm with a bridge ${round(bridge, 2)} <= ${RATIO_MAX}: ${isMet ? "met" : "MISSED"}`);
    return isMet;
  } finally {
    stopEngines(NAMES);
  }
}

async function compareRuns(
  name: string,
  { real, ours }: { readonly real: Engine; readonly ours: Engine },
  args: readonly string[],
): Promise<number> {
  const times = { real: [] as number[], ours: [] as number[] };
  for (const engine of [real, ours]) await timed(engine, args); // Warm.
  for (let run = 0; run < RUNS; run++) {
    times.real.push(await timed(real, args));
    times.ours.push(await timed(ours, args));
  }
  const [a, b] = [summarize(times.real), summarize(times.ours)];
  const ratio = b.median / a.median;
  console.log(
    `${name}: real ${round(a.median)} ms (p99 ${round(a.p99)}), ours ${round(b.median)} ms (p99 ${round(b.p99)}), ratio ${round(ratio, 2)}`,
  );
  return ratio;
}

function timed({ dockerHost }: Engine, args: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn("docker", args, { env: { ...process.env, DOCKER_HOST: dockerHost }, stdio: "ignore" });
    child.on("error", reject);
    child.on("exit", code =>
      code === 0 ? resolve(performance.now() - startedMs) : reject(new Error(`docker ${args.join(" ")}: exit code ${code}`)),
    );
  });
}
