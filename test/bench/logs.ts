import { spawn } from "node:child_process";
import { type Engine, type EngineNames, startEngines, stopEngines } from "../oracle/engines.ts";
import { both, docker, type Engines } from "./docker.ts";
import { round, summarize } from "./statistics.ts";

const NAMES: EngineNames = { lab: "bench-logs", peer: "bench-logs" };
const LINES = 1_000_000;
const LINE_BYTES = 101;
const ROUNDS = 5;
const RATIO_MIN = 1.5;
/** Both keep all of it. */
const KEPT = ["--log-driver", "json-file", "--log-opt", "max-size=1g"];
const PROGRAM = ["sh", "-c", `yes ${"x".repeat(LINE_BYTES - 1)} | head -n ${LINES}`];

/** How fast one container can print: into its log, to a client that is attached, and out of the log again. @returns false when the gate is missed. */
export async function benchLogs(): Promise<boolean> {
  try {
    return await compareLogs(await startEngines(NAMES));
  } finally {
    await stopEngines(NAMES);
  }
}

async function compareLogs(engines: Engines): Promise<boolean> {
  const seconds = { logged: emptyTimes(), attached: emptyTimes(), read: emptyTimes() };
  for (let turn = 0; turn < ROUNDS; turn++) {
    for (const engine of both(engines)) {
      seconds.logged[engine.name].push(await timed(() => print(engine)));
      seconds.read[engine.name].push(await timed(() => read(engine, ["logs", "printer"])));
      docker(engine, ["rm", "-f", "printer"]);
      seconds.attached[engine.name].push(
        await timed(() => read(engine, ["run", "--rm", "--network", "none", ...KEPT, "busybox", ...PROGRAM])),
      );
    }
  }
  const ratio = show("printed into the log", seconds.logged);
  show("printed to an attached client", seconds.attached);
  show("read by docker logs", seconds.read);
  const isMet = ratio >= RATIO_MIN;
  console.log(`gate: log throughput of one container, ratio ${round(ratio, 2)} >= ${RATIO_MIN}: ${isMet ? "met" : "MISSED"}`);
  return isMet;
}

interface Times {
  readonly real: number[];
  readonly ours: number[];
}

function emptyTimes(): Times {
  return { real: [], ours: [] };
}

async function print(engine: Engine): Promise<void> {
  docker(engine, ["run", "-d", "--name", "printer", "--network", "none", ...KEPT, "busybox", ...PROGRAM]);
  docker(engine, ["wait", "printer"]);
}

/** @throws Error when a line is missing. */
async function read({ dockerHost }: Engine, args: readonly string[]): Promise<void> {
  const child = spawn("docker", args, { env: { ...process.env, DOCKER_HOST: dockerHost }, stdio: ["ignore", "pipe", "ignore"] });
  let bytes = 0;
  for await (const data of child.stdout) bytes += (data as Buffer).length;
  if (bytes !== LINES * LINE_BYTES) throw new Error(`docker ${args.join(" ")}: ${bytes} bytes of ${LINES * LINE_BYTES}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

function show(name: string, { real, ours }: Times): number {
  const [a, b] = [summarize(real).median, summarize(ours).median];
  const speed = (seconds: number) => `${round(LINES / seconds / 1000)}k lines/s`;
  console.log(`${name} (${LINES} lines of ${LINE_BYTES} bytes): real ${speed(a)}, ours ${speed(b)}, ratio ${round(a / b, 2)}`);
  return a / b;
}
