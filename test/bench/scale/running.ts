import { systemClock } from "../../../src/system/clock.ts";
import { round } from "../statistics.ts";
import { loseLeader } from "./failover.ts";
import type { Report } from "./report.ts";
import { World } from "./world.ts";

const IDLE_AFTER_MS = 3_000;
const IDLE_FOR_MS = 5_000;
const START_LIMIT_MS = 240_000;

export interface RunningOptions {
  readonly workers: number;
  readonly tasks: number;
  readonly processes: number;
  readonly secondsMax?: number;
  readonly idlePercentMax?: number;
  readonly sessionBytesMax?: number;
  readonly stallMsMax?: number;
  /** Only until all of it runs. */
  readonly isShort?: boolean;
  /** The leader's process is killed at the end. */
  readonly losesLeader?: boolean;
}

/** From `service create` until every task runs, what the managers cost when nothing happens, and what a session weighs. */
export async function measureRunning(options: RunningOptions, report: Report): Promise<void> {
  const { workers, tasks, processes, secondsMax, idlePercentMax, stallMsMax } = options;
  const name = `${tasks} tasks on ${workers} workers`;
  await using world = await World.create({ workers });
  const before = await world.managerFigures({ collects: true });
  await world.startWorkers({ processes });
  const joinedMs = await world.until(
    "every worker is ready",
    async () => (await world.readyNodes()) >= workers,
    START_LIMIT_MS,
    250,
  );
  report.say(`${name}: all ready ${round(joinedMs / 1_000)} s after the last was started`);
  report.stalls(`${name}, joining`, await world.managerFigures());
  if (options.isShort !== true) {
    await systemClock.sleep(IDLE_AFTER_MS);
    weighSessions(name, { before, after: await world.managerFigures({ collects: true }), options, report });
  }
  const rested = await world.managerFigures();

  const beganMs = performance.now();
  await world.createService("web", tasks);
  await world.until("all tasks are started", async () => (await world.workerFigures()).running >= tasks, START_LIMIT_MS);
  await world.until("all tasks are known to run", async () => (await world.runningTasks("web")) >= tasks, START_LIMIT_MS);
  const tookSeconds = (performance.now() - beganMs) / 1_000;
  if (secondsMax === undefined) report.say(`${name}: running after ${round(tookSeconds, 2)} s`);
  else report.atMost(`${name}: running`, tookSeconds, secondsMax, "s");
  const running = await world.managerFigures();
  report.stalls(name, running, stallMsMax === undefined ? {} : { maxMs: stallMsMax });
  const spent = running.map(({ cpuMs }, at) => round((cpuMs - (rested[at]?.cpuMs ?? 0)) / 1_000, 2));
  report.say(`${name}: CPU that each manager spent on it: ${spent.join(", ")} s`);
  if (options.isShort === true) return;

  await systemClock.sleep(IDLE_AFTER_MS);
  const idle = await world.managerFigures({ looksForStalls: false });
  await systemClock.sleep(IDLE_FOR_MS);
  const later = await world.managerFigures();
  const percents = later.map(({ cpuMs }, at) => ((cpuMs - (idle[at]?.cpuMs ?? 0)) / IDLE_FOR_MS) * 100);
  report.say(
    `${name}: CPU of each manager 3 s after the last change: ${percents.map(percent => `${round(percent)} %`).join(", ")}`,
  );
  if (idlePercentMax !== undefined)
    report.atMost(`${name}: CPU of the busiest manager`, Math.max(...percents), idlePercentMax, "% of a core");
  await systemClock.sleep(IDLE_FOR_MS);
  report.stalls(`${name}, idle`, await world.managerFigures());
  if (options.losesLeader === true) await loseLeader(name, { world, tasks, report });
}

function weighSessions(
  name: string,
  parts: {
    readonly before: Awaited<ReturnType<World["managerFigures"]>>;
    readonly after: Awaited<ReturnType<World["managerFigures"]>>;
    readonly options: RunningOptions;
    readonly report: Report;
  },
): void {
  const { before, after, options, report } = parts;
  const grown = (key: "rssBytes" | "heapBytes"): number =>
    after.reduce((sum, figures, at) => sum + figures[key] - (before[at]?.[key] ?? 0), 0) / options.workers / 1_000;
  report.say(`${name}: a session weighs ${round(grown("heapBytes"))} kB of heap and buffers`);
  if (options.sessionBytesMax !== undefined)
    report.atMost(`${name}: a session's share of resident memory`, grown("rssBytes"), options.sessionBytesMax / 1_000, "kB");
}
