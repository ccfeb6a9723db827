import { loadavg } from "node:os";
import { type EngineNames, startEngines, stopEngines } from "../oracle/engines.ts";
import { compareCalls } from "./api-calls.ts";
import { both, docker, type Engines, timed } from "./docker.ts";
import { compareTimes, type Gate, reportGates } from "./gates.ts";
import { compareIdle } from "./idle.ts";
import { compareListing } from "./listing.ts";
import { compareReplicas } from "./replicas.ts";
import { round } from "./statistics.ts";

const NAMES: EngineNames = { lab: "bench", peer: "bench" };
const RUNS = 30;

/** The real Docker and ours, command by command in turn, so that both have the same noise. @returns false when a gate is missed. */
export async function benchContainers(): Promise<boolean> {
  console.log(
    `load average at the start: ${loadavg()
      .map(load => round(load))
      .join(" ")}`,
  );
  try {
    const engines = await startEngines(NAMES);
    const gates = [
      await compareRuns("run --rm (bridge)", { engines, ratioMax: 0.3 }, [["run", "--rm", "busybox", "true"]]),
      await compareRuns("run --rm --network none", { engines, ratioMax: 0.3 }, [
        ["run", "--rm", "--network", "none", "busybox", "true"],
      ]),
      await compareExec(engines),
      await compareRuns("create and rm", { engines, ratioMax: 0.4 }, [
        ["create", "--name", "made", "busybox", "true"],
        ["rm", "made"],
      ]),
      ...(await compareIdle(engines)),
    ];
    await compareCalls(engines);
    await compareListing(engines);
    await compareReplicas(engines);
    return reportGates(gates);
  } finally {
    await stopEngines(NAMES);
  }
}

async function compareExec(engines: Engines): Promise<Gate> {
  for (const engine of both(engines)) docker(engine, ["run", "-d", "--name", "target", "busybox", "sleep", "1000"]);
  const gate = await compareRuns("exec", { engines, ratioMax: 0.6 }, [["exec", "target", "true"]]);
  for (const engine of both(engines)) docker(engine, ["rm", "-f", "target"]);
  return gate;
}

/** @param commands - Run one after the other, and timed together. */
export async function compareRuns(
  name: string,
  { engines, ratioMax, runs = RUNS }: { readonly engines: Engines; readonly ratioMax: number; readonly runs?: number },
  commands: readonly (readonly string[])[],
): Promise<Gate> {
  const times = { real: [] as number[], ours: [] as number[] };
  for (let run = -1; run < runs; run++) {
    for (const engine of both(engines)) {
      let tookMs = 0;
      for (const args of commands) tookMs += await timed(engine, args);
      if (run >= 0) times[engine.name].push(tookMs); // The first warms them.
    }
  }
  return compareTimes(name, times, ratioMax);
}
