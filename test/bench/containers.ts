import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { type Engine, startEngines, stopEngines } from "../oracle/engines.ts";
import { round, summarize } from "./statistics.ts";

const RUNS = 30;
const MEMORY_CONTAINERS = 20;
const REPLICAS = 50;
const RATIO_MAX = 0.5;

/** The real Docker and ours, command by command in turn, so that both have the same noise. @returns false when the gate is missed. */
export async function benchContainers(): Promise<boolean> {
  try {
    const engines = startEngines();
    const bridge = await compareRuns("run --rm busybox true (bridge)", engines, ["run", "--rm", "busybox", "true"]);
    await compareRuns("run --rm --network none", engines, ["run", "--rm", "--network", "none", "busybox", "true"]);
    for (const engine of [engines.real, engines.ours])
      docker(engine, ["run", "-d", "--name", "target", "busybox", "sleep", "1000"]);
    await compareRuns("exec true", engines, ["exec", "target", "true"]);
    await compareRuns("ps", engines, ["ps"]);
    for (const engine of [engines.real, engines.ours]) docker(engine, ["rm", "-f", "target"]);
    for (const engine of [engines.real, engines.ours]) memoryPerContainer(engine);
    for (const engine of [engines.real, engines.ours]) await replicas(engine);
    const isMet = bridge <= RATIO_MAX;
    console.log(`gate: ratio of run --rm with a bridge ${round(bridge, 2)} <= ${RATIO_MAX}: ${isMet ? "met" : "MISSED"}`);
    return isMet;
  } finally {
    stopEngines();
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

/** What shims and daemon grow by, resident, for each container. */
function memoryPerContainer(engine: Engine): void {
  const before = residentBytes(engine);
  for (let index = 0; index < MEMORY_CONTAINERS; index++)
    docker(engine, ["run", "-d", "--name", `memory${index}`, "busybox", "sleep", "1000"]);
  const after = residentBytes(engine);
  for (let index = 0; index < MEMORY_CONTAINERS; index++) docker(engine, ["rm", "-f", `memory${index}`]);
  console.log(
    `memory per container, ${engine.name}: ${round((after - before) / MEMORY_CONTAINERS / 1e6)} MB (daemon and shims with none: ${round(before / 1e6)} MB)`,
  );
}

/** Resident memory of everything that keeps the engine's containers: daemons and shims, found by what their command lines name. */
function residentBytes({ name }: Engine): number {
  const pattern =
    name === "real"
      ? /shoal-oracle\/root\/|dockerd --data-root|containerd-shim|containerd --config/
      : /shoal-lab\/oracle|conmon /;
  let total = 0;
  for (const pid of readdirSync("/proc").filter(entry => /^\d+$/.test(entry))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      if (!pattern.test(command)) continue;
      total += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024;
    } catch {
      // It ended while we looked.
    }
  }
  return total;
}

async function replicas(engine: Engine): Promise<void> {
  const address = engine.name === "real" ? "127.0.0.1" : "10.99.0.11";
  docker(engine, ["swarm", "init", "--advertise-addr", address]);
  const startedMs = performance.now();
  docker(engine, ["service", "create", "-d", "--name", "many", "--replicas", String(REPLICAS), "busybox", "sleep", "1000"]);
  for (;;) {
    if (docker(engine, ["service", "ls", "--format", "{{.Replicas}}"]).trim() === `${REPLICAS}/${REPLICAS}`) break;
    if (performance.now() - startedMs > 60_000) throw new Error("the replicas did not all start");
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  console.log(`${REPLICAS} replicas running on one node, ${engine.name}: ${round((performance.now() - startedMs) / 1_000, 2)} s`);
  docker(engine, ["service", "rm", "many"]);
}

function docker({ dockerHost }: Engine, args: readonly string[]): string {
  return execFileSync("docker", args, {
    env: { ...process.env, DOCKER_HOST: dockerHost },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}
