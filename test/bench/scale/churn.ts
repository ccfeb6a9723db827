import { round } from "../statistics.ts";
import type { Report } from "./report.ts";
import { World } from "./world.ts";

const LIMIT_MS = 240_000;
/** Tasks that end by themselves half a second after they start, and are replaced at once. */
const IMAGE = "crash";

export interface ChurnOptions {
  readonly workers: number;
  /** At a time. */
  readonly tasks: number;
  /** Started in all. */
  readonly starts: number;
  readonly processes: number;
  /** Growth from a fifth of the starts to the end. */
  readonly grownPercentMax: number;
}

/** Tasks that come and go: what is left of them in memory and on disk. The first fifth fills histories, logs and caches. */
export async function measureChurn(options: ChurnOptions, report: Report): Promise<void> {
  const { workers, tasks, starts, processes, grownPercentMax } = options;
  const name = `${starts} tasks that came and went on ${workers} workers`;
  await using world = await World.create({ workers });
  await world.startWorkers({ processes, startMs: 20 });
  await world.until("every worker is ready", async () => (await world.readyNodes()) >= workers, LIMIT_MS);
  const beganMs = performance.now();
  await world.createService("short", tasks, { image: IMAGE });
  const weights: { readonly heapBytes: number; readonly diskBytes: number }[] = [];
  for (let fifth = 1; fifth <= 5; fifth++) {
    const target = (starts * fifth) / 5;
    await world.until(`${target} were started`, async () => (await world.workerFigures()).started >= target, LIMIT_MS, 250);
    const figures = await world.managerFigures({ collects: true });
    const weight = { heapBytes: Math.max(...figures.map(({ heapBytes }) => heapBytes)), diskBytes: world.diskBytes() };
    weights.push(weight);
    const seconds = round((performance.now() - beganMs) / 1_000);
    report.say(
      `${name}: ${target} after ${seconds} s: ${round(weight.heapBytes / 1e6)} MB of heap in the heaviest manager, ${round(weight.diskBytes / 1e6)} MB on disk`,
    );
    report.stalls(name, figures);
  }
  const [first, last] = [weights[0], weights.at(-1)];
  if (first === undefined || last === undefined) return;
  report.atMost(
    `${name}: growth of memory after the first fifth`,
    (last.heapBytes / first.heapBytes - 1) * 100,
    grownPercentMax,
    "%",
  );
  report.atMost(`${name}: disk at the end`, last.diskBytes / 1e6, 3 * DISK_MAX_MB, "MB");
}

/** What a manager keeps: the log since a snapshot, at most 64 MiB, another 16 MiB of segments, the snapshots, and slack while one is written. */
const DISK_MAX_MB = 200;
