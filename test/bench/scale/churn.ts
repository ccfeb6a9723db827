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
  /** Growth from the second and third fifth of the starts to the last two. */
  readonly grownPercentMax: number;
}

const SAMPLES = 25;
const FIFTH = SAMPLES / 5;

/**
 * Tasks that come and go: what is left of them in memory and on disk. The first fifth fills histories, logs and caches. From then on
 * a manager's memory goes up and down with its log, whose entries since its last snapshot are kept: troughs are held against troughs.
 */
export async function measureChurn(options: ChurnOptions, report: Report): Promise<void> {
  const { workers, tasks, starts, processes, grownPercentMax } = options;
  const name = `${starts} tasks that came and went on ${workers} workers`;
  await using world = await World.create({ workers });
  await world.startWorkers({ processes, startMs: 20 });
  await world.until("every worker is ready", async () => (await world.readyNodes()) >= workers, LIMIT_MS);
  const beganMs = performance.now();
  await world.createService("short", tasks, { image: IMAGE });
  const weights: { readonly heapBytes: readonly number[]; readonly diskBytes: number }[] = [];
  for (let sample = 1; sample <= SAMPLES; sample++) {
    const target = (starts * sample) / SAMPLES;
    await world.until(`${target} were started`, async () => (await world.workerFigures()).started >= target, LIMIT_MS, 250);
    const figures = await world.managerFigures({ collects: true });
    const weight = { heapBytes: figures.map(({ heapBytes }) => heapBytes), diskBytes: world.diskBytes() };
    weights.push(weight);
    const seconds = round((performance.now() - beganMs) / 1_000);
    report.say(
      `${name}: ${target} after ${seconds} s: ${weight.heapBytes.map(bytes => round(bytes / 1e6)).join(", ")} MB of heap in each manager, ${round(weight.diskBytes / 1e6)} MB on disk`,
    );
    if (sample % FIFTH === 0) report.stalls(name, figures);
  }
  const troughBytes = (manager: number, [from, to]: readonly [number, number]): number =>
    Math.min(...weights.slice(from * FIFTH, to * FIFTH).map(({ heapBytes }) => heapBytes[manager] ?? 0));
  const grown = Math.max(...world.members.map((_, at) => troughBytes(at, [3, 5]) / troughBytes(at, [1, 3]) - 1));
  report.atMost(`${name}: growth of memory after the first fifth`, grown * 100, grownPercentMax, "%");
  const diskBytes = Math.max(...weights.map(weight => weight.diskBytes));
  report.atMost(`${name}: the most on disk`, diskBytes / 1e6, 3 * DISK_MAX_MB, "MB");
}

/** What a manager keeps: the log since a snapshot, at most 64 MiB, another 16 MiB of segments, the snapshots, and slack while one is written. */
const DISK_MAX_MB = 200;
