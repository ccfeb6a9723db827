import { systemClock } from "../../../src/system/clock.ts";
import type { Report } from "./report.ts";
import { World } from "./world.ts";

const NEXT_WRITE_SECONDS_MAX = 3;
const START_LIMIT_MS = 240_000;
const REST_MS = 20_000;

export interface FailoverOptions {
  readonly workers: number;
  readonly tasks: number;
  readonly processes: number;
  readonly times: number;
}

/** The leader is lost again and again, each time with all its sessions: the manager that was killed comes back before the next. */
export async function measureFailover({ workers, tasks, processes, times }: FailoverOptions, report: Report): Promise<void> {
  await using world = await World.create({ workers });
  await world.startWorkers({ processes });
  await world.until("every worker is ready", async () => (await world.readyNodes()) >= workers, START_LIMIT_MS, 250);
  await world.createService("web", tasks);
  await world.until("all tasks are known to run", async () => (await world.runningTasks("web")) >= tasks, START_LIMIT_MS);
  for (let time = 1; time <= times; time++) {
    const lost = await loseLeader(`${workers} workers, loss ${time}`, { world, tasks, report });
    await world.startMember(lost);
    await systemClock.sleep(REST_MS);
  }
}

/** Its workers go to the others; nothing that runs is touched. @returns which member it was. */
export async function loseLeader(
  name: string,
  { world, tasks, report }: { readonly world: World; readonly tasks: number; readonly report: Report },
): Promise<number> {
  const { started } = await world.workerFigures();
  const roles = (await world.managerFigures()).map(({ role }) => role);
  const lost = roles.indexOf("leader");
  const other = (lost + 1) % roles.length;
  const leader = world.members[lost];
  if (leader === undefined) throw new Error("nobody leads");
  const beganMs = performance.now();
  await leader.process.kill();
  const data = Buffer.from("x");
  let attempt = 0;
  await world.until(
    "a write is taken",
    async () => {
      const config = { name: `c${lost}-${attempt++}-${Math.round(beganMs)}`, labels: {}, data };
      const answer = await world.call({ kind: "create-config", spec: config }, { at: other });
      return answer.kind === "created";
    },
    60_000,
    10,
  );
  report.atMost(`${name}: leader lost until the next write`, (performance.now() - beganMs) / 1_000, NEXT_WRITE_SECONDS_MAX, "s");
  const dialled = await world.workerFigures();
  await systemClock.sleep(REST_MS);
  const now = await world.workerFigures();
  const running = await world.runningTasks("web", { at: other });
  report.say(
    `${name}: ${dialled.sessions} sessions at the first write, ${now.sessions} ${REST_MS / 1_000} s later; ${running} tasks run`,
  );
  report.atMost(`${name}: tasks started again after the leader was lost`, now.started - started + (tasks - running), 0, "tasks");
  return lost;
}
