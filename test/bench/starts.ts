import { readdirSync, readFileSync } from "node:fs";
import type { Engine } from "../oracle/engines.ts";
import { both, daemonPid, docker, type Engines, timed } from "./docker.ts";
import { compareTimes, type Gate } from "./gates.ts";
import { round, summarize } from "./statistics.ts";

const ROUNDS = 3;
/** Of `/proc/stat` and `/proc/PID/stat`, on every architecture. */
const TICK_MS = 10;

/** What all did together while it was watched. */
interface Spent {
  readonly ms: number;
  /** Of all processors, by whoever. */
  readonly busyMs: number;
  readonly idleMs: number;
  /** Processes and threads that were begun. */
  readonly begun: number;
  /** Of the daemon: its first thread, and all others. */
  readonly mainMs: number;
  readonly otherMs: number;
}

/** Many containers started at once, several times over; those of the last round are left running. */
export async function compareStarts(engines: Engines, names: readonly string[]): Promise<Gate> {
  const spent = { real: [] as Spent[], ours: [] as Spent[] };
  for (let turn = 1; turn <= ROUNDS; turn++) {
    for (const engine of both(engines)) {
      spent[engine.name].push(await watched(engine, () => startAll(engine, names)));
      if (turn < ROUNDS) docker(engine, ["rm", "-f", ...names]);
    }
  }
  const times = { real: spent.real.map(({ ms }) => ms), ours: spent.ours.map(({ ms }) => ms) };
  const gate = compareTimes(`${names.length} containers started in parallel`, times, 0.35);
  for (const { name } of both(engines)) console.log(`  ${name}, for each: ${describe(spent[name], names.length)}`);
  return gate;
}

async function startAll(engine: Engine, names: readonly string[]): Promise<void> {
  await Promise.all(names.map(name => timed(engine, ["run", "-d", "--name", name, "busybox", "sleep", "1000"])));
}

function describe(spent: readonly Spent[], count: number): string {
  const each = (part: (one: Spent) => number): number => round(summarize(spent.map(part)).median / count, 1);
  return [
    `${each(one => one.busyMs)} ms of processors (the clients' too; ${each(one => one.idleMs)} idle)`,
    `${each(one => one.mainMs)} in the daemon's first thread, ${each(one => one.otherMs)} in its others`,
    `${each(one => one.begun)} processes and threads begun`,
  ].join(", ");
}

async function watched(engine: Engine, action: () => Promise<void>): Promise<Spent> {
  const pid = daemonPid(engine);
  const before = counts(pid);
  const startedMs = performance.now();
  await action();
  const ms = performance.now() - startedMs;
  const after = counts(pid);
  const [busyMs, idleMs, begun, mainMs, otherMs] = after.map((value, index) => value - (before[index] ?? 0));
  return { ms, busyMs: busyMs ?? 0, idleMs: idleMs ?? 0, begun: begun ?? 0, mainMs: mainMs ?? 0, otherMs: otherMs ?? 0 };
}

function counts(pid: string): readonly number[] {
  const lines = readFileSync("/proc/stat", "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, interrupts = 0, soft = 0] = (lines[0] ?? "")
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const begun = Number(lines.find(line => line.startsWith("processes "))?.split(" ")[1] ?? 0);
  const main = threadMs(pid, pid);
  const all = readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + threadMs(pid, thread), 0);
  return [(user + nice + system + interrupts + soft) * TICK_MS, (idle + wait) * TICK_MS, begun, main, all - main];
}

/** A thread that has ended is not counted. */
function threadMs(pid: string, thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  } catch {
    return 0;
  }
}
