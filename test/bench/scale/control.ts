import { round, summarize } from "../statistics.ts";
import type { Report } from "./report.ts";
import { World } from "./world.ts";

const FOR_MS = 4_000;

/** One caller of the control API, by the socket of the leader's host and of another: what a write costs beside one inside the leader. */
export async function measureControl(report: Report): Promise<void> {
  await using world = await World.create({ workers: 0 });
  const roles = (await world.managerFigures()).map(({ role }) => role);
  const leader = roles.indexOf("leader");
  const other = (leader + 1) % roles.length;
  for (const [where, at] of [
    ["the leader", leader],
    ["a follower", other],
  ] as const) {
    await write(world, { name: `warm-${at}`, at, forMs: 1_000 });
    const times = await write(world, { name: `config-${at}`, at, forMs: FOR_MS });
    const { median, p99 } = summarize(times);
    report.say(
      `control API, one caller at ${where}: ${Math.round(times.length / (FOR_MS / 1_000))} writes/s, median ${round(median, 2)} ms, p99 ${round(p99, 2)} ms`,
    );
  }
}

/** @returns how long each took, in ms. */
async function write(
  world: World,
  { name, at, forMs }: { readonly name: string; readonly at: number; readonly forMs: number },
): Promise<readonly number[]> {
  const times: number[] = [];
  const data = Buffer.from("x");
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    const beganMs = performance.now();
    const { kind } = await world.call(
      { kind: "create-config", spec: { name: `${name}-${times.length}`, labels: {}, data } },
      { at },
    );
    if (kind !== "created") throw new Error(`a config was not created: ${kind}`);
    times.push(performance.now() - beganMs);
  }
  return times;
}
