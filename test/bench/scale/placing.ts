import type { ServiceId } from "../../../src/model/ids.ts";
import { round } from "../statistics.ts";
import type { ManagerFigures } from "./protocol.ts";
import type { Report } from "./report.ts";
import { World } from "./world.ts";

const LIMIT_MS = 120_000;
/** More entries than Raft keeps before it takes a snapshot. */
const SNAPSHOT_ENTRIES = 10_500;
const WRITERS = 64;

export interface PlacingOptions {
  readonly nodes: number;
  readonly tasks: number;
  readonly planSecondsMax: number;
  readonly onePlanMsMax: number;
  readonly stallMsMax: number;
  readonly taskBytesMax: number;
}

/** One service with so many replicas on nodes that are heard of but run nothing: what the leader plans, and what a task weighs. */
export async function measurePlacing(options: PlacingOptions, report: Report): Promise<void> {
  const { nodes, tasks } = options;
  const name = `${tasks} tasks placed on ${nodes} nodes`;
  await using world = await World.create({ workers: nodes, areReady: true });
  await using _beats = world.beatForAll();
  await world.until("the leader has looked at its nodes", async () => (await world.readyNodes()) >= nodes, LIMIT_MS);
  const empty = await world.managerFigures({ collects: true });
  const id = await placeAll(name, world, { options, report });
  await scaleByOne(name, world, { id, options, report });
  const full = await world.managerFigures({ collects: true });
  report.atMost(`${name}: terms begun since the start`, termOf(full) - termOf(empty), 0, "terms");
  weigh(name, { empty, full, options, report });
  await forceSnapshot(world, full);
  report.stalls(`${name}, snapshots being written`, await world.managerFigures(), { maxMs: options.stallMsMax });
  await world.restart();
  await world.until("the managers are back", async () => (await world.runningTasks(id)) === 0, LIMIT_MS);
  weigh(`${name}, after a restart from a snapshot`, {
    empty,
    full: await world.managerFigures({ collects: true }),
    options,
    report,
  });
}

interface Measuring {
  readonly options: PlacingOptions;
  readonly report: Report;
}

async function placeAll(name: string, world: World, { options, report }: Measuring): Promise<ServiceId> {
  const beganMs = performance.now();
  const id = await world.createService("web", options.tasks);
  await planned(world, options.tasks);
  const tookSeconds = (performance.now() - beganMs) / 1_000;
  const figures = await world.managerFigures();
  const { count, totalMs, worstMs } = leaderOf(figures).turns;
  report.say(`${name}: ${round(tookSeconds, 2)} s from the call, ${count} turns, the longest planned in ${round(worstMs)} ms`);
  report.atMost(`${name}: planning`, totalMs / 1_000, options.planSecondsMax, "s");
  report.stalls(name, figures, { maxMs: options.stallMsMax });
  return id;
}

/** One more replica of the same service, and one of a service of its own; the median of a few. */
async function scaleByOne(
  name: string,
  world: World,
  { id, options, report }: Measuring & { readonly id: ServiceId },
): Promise<void> {
  const times: number[] = [];
  for (let round = 1; round <= 5; round++) {
    await world.scale(id, options.tasks + round);
    await planned(world, 1);
    times.push(leaderOf(await world.managerFigures()).turns.totalMs);
  }
  const median = times.toSorted((a, b) => a - b)[2] ?? Number.NaN;
  report.say(`${name}: one replica more: ${times.map(ms => round(ms, 2)).join(", ")} ms`);
  report.atMost(`${name}: one replica more, planned`, median, options.onePlanMsMax, "ms");
}

/** Waits until the leader has planned so many changes since the figures began. */
async function planned(world: World, changes: number): Promise<void> {
  const done = async (): Promise<boolean> => {
    const figures = await world.managerFigures({ beginsAnew: false });
    return (
      leaderOf(figures).turns.changes >= changes && figures.every(({ appliedIndex }) => appliedIndex === figures[0]?.appliedIndex)
    );
  };
  await world.until(`${changes} changes are planned and applied`, done, LIMIT_MS, 100);
}

/** Writes entries until every manager has to have taken a snapshot. */
async function forceSnapshot(world: World, from: readonly ManagerFigures[]): Promise<void> {
  const data = Buffer.from("x");
  const target = Math.max(...from.map(({ appliedIndex }) => appliedIndex)) + SNAPSHOT_ENTRIES;
  let written = 0;
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let turn = 0; written < SNAPSHOT_ENTRIES; turn++, written += 2) {
        const name = `config-${writer}-${turn}`;
        await world.call({ kind: "create-config", spec: { name, labels: {}, data } });
        await world.call({ kind: "remove-config", idOrName: name });
      }
    }),
  );
  await world.until(
    "every manager has a snapshot",
    async () =>
      (await world.managerFigures({ beginsAnew: false })).every(({ appliedIndex }) => appliedIndex >= target) &&
      world.haveSnapshots(),
    LIMIT_MS,
  );
}

function weigh(
  name: string,
  parts: Measuring & { readonly empty: readonly ManagerFigures[]; readonly full: readonly ManagerFigures[] },
): void {
  const { empty, full, options, report } = parts;
  const grown = (key: "rssBytes" | "heapBytes"): readonly number[] =>
    full.map((figures, at) => (figures[key] - (empty[at]?.[key] ?? 0)) / options.tasks);
  report.say(`${name}: a task takes ${grown("heapBytes").map(Math.round).join(", ")} bytes of heap and buffers on each manager`);
  report.say(`${name}: and ${grown("rssBytes").map(Math.round).join(", ")} bytes of resident memory`);
  report.atMost(`${name}: a task in memory`, Math.max(...grown("heapBytes")), options.taskBytesMax, "bytes");
}

function leaderOf(figures: readonly ManagerFigures[]): ManagerFigures {
  const leader = figures.find(({ role }) => role === "leader");
  if (leader === undefined) throw new Error("nobody leads");
  return leader;
}

function termOf(figures: readonly ManagerFigures[]): number {
  return Math.max(...figures.map(({ term }) => term));
}
