import { readFileSync } from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { type Engine, type EngineNames, startEngines, stopEngines } from "../oracle/engines.ts";
import { timed, socketOf } from "./docker.ts";
import type { Gate } from "./gates.ts";
import { reportGates } from "./gates.ts";
import { round } from "./statistics.ts";

const NAMES: EngineNames = { lab: "bench-stats", peer: "bench-stats" };
const CONTAINERS = 200;
const AT_ONCE = 10;
const SETTLE_MS = 5_000;
const MEASURE_MS = 15_000;
const TICKS_PER_SECOND = 100;
const CORE_SHARE_MAX = 0.2;

/** What it costs our daemon to tell a client the statistics of many containers once a second. @returns false when the gate is missed. */
export async function benchStats(): Promise<boolean> {
  try {
    const { ours } = await startEngines(NAMES);
    const names = Array.from({ length: CONTAINERS }, (_, index) => `watched${index}`);
    const next = names[Symbol.iterator]();
    const start = async () => {
      for (const name of next) await timed(ours, ["run", "-d", "--name", name, "busybox", "sleep", "1000"]);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, start));
    const idle = await coreShare(ours);
    const samples = { count: 0 };
    const streams = names.map(name => follow(ours, name, samples));
    await pause(SETTLE_MS);
    samples.count = 0;
    const watched = await coreShare(ours);
    for (const stop of streams) stop();
    console.log(
      `stats of ${CONTAINERS} containers: ${round(watched * 100)} % of a core, with nobody watching ${round(idle * 100)} %, ${round(samples.count / (MEASURE_MS / 1_000))} samples a second`,
    );
    const gate: Gate = { name: `stats of ${CONTAINERS} containers, share of a core`, ratio: watched, ratioMax: CORE_SHARE_MAX };
    if (samples.count < (CONTAINERS * MEASURE_MS) / 1_000 / 2) throw new Error("too few samples came: the engine falls behind");
    return reportGates([gate]);
  } finally {
    await stopEngines(NAMES);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

async function coreShare(engine: Engine): Promise<number> {
  const before = cpuSeconds(engine);
  const startedMs = performance.now();
  await pause(MEASURE_MS);
  return (cpuSeconds(engine) - before) / ((performance.now() - startedMs) / 1_000);
}

/** Of all threads of the daemon, in user and kernel mode. */
function cpuSeconds(engine: Engine): number {
  const pid = readFileSync(join(dirname(socketOf(engine)), "shoald.pid"), "utf8").trim();
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Counts what arrives, one a second. @returns a function that ends it. */
function follow(engine: Engine, name: string, samples: { count: number }): () => void {
  const asked = request({ socketPath: socketOf(engine), path: `/containers/${name}/stats`, agent: false }, response => {
    response.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 10) samples.count++;
    });
    response.on("error", () => undefined);
  });
  asked.on("error", () => undefined);
  asked.end();
  return () => asked.destroy();
}
