// What a swarm of this size costs. `npm run scale` runs all, `npm run scale -- small raft` some. Exit code 1 when a gate is missed.
import { refuse } from "../../command-line.ts";
import { benchScheduler } from "../scheduler.ts";
import { buildChildren } from "./child.ts";
import { measureControl } from "./control.ts";
import { measureBare, measureRaft } from "./raft.ts";
import { Report } from "./report.ts";
import { measureChurn } from "./churn.ts";
import { measureFailover } from "./failover.ts";
import { measurePlanning } from "./planning.ts";
import { measurePlacing } from "./placing.ts";
import { measureRunning } from "./running.ts";

const report = new Report();
const SESSION_BYTES_MAX = 150_000;

const RUNS: Readonly<Record<string, () => Promise<void> | void>> = {
  tiny: () => measureRunning({ workers: 10, tasks: 100, processes: 1, losesLeader: true }, report),
  medium: () => measureRunning({ workers: 400, tasks: 4_000, processes: 2 }, report),
  small: () =>
    measureRunning(
      {
        workers: 100,
        tasks: 1_000,
        processes: 1,
        secondsMax: 2.5,
        idlePercentMax: 5,
        stallMsMax: 50,
      },
      report,
    ),
  large: () =>
    measureRunning(
      {
        ...{ workers: 2_000, tasks: 20_000, processes: 4, secondsMax: 30, idlePercentMax: 15, stallMsMax: 50 },
        ...{ sessionBytesMax: SESSION_BYTES_MAX, losesLeader: true },
      },
      report,
    ),
  failover: () => measureFailover({ workers: 2_000, tasks: 2_000, processes: 4, times: 3 }, report),
  placing: () =>
    measurePlacing(
      { nodes: 10_000, tasks: 100_000, planSecondsMax: 3, onePlanMsMax: 5, stallMsMax: 50, taskBytesMax: 3_000 },
      report,
    ),
  churn: () => measureChurn({ workers: 100, tasks: 1_000, starts: 200_000, processes: 2, grownPercentMax: 20 }, report),
  raft: async () => {
    await measureBare(report);
    await measureRaft({ syncMs: 0 }, report);
  },
  "raft-slow-disk": () => measureRaft({ syncMs: 1 }, report),
  control: () => measureControl(report),
  scheduler: () => {
    report.atMost("scheduler, 10,000 tasks on 1,000 nodes", benchScheduler({ nodes: 1_000, tasks: 10_000 }) / 1_000, 0.3, "s");
    report.atMost("scheduler, 100,000 tasks on 1,000 nodes", benchScheduler({ nodes: 1_000, tasks: 100_000 }) / 1_000, 3, "s");
  },
  planning: async () => {
    for (const [nodes, tasks] of [
      [100, 1_000],
      [1_000, 10_000],
      [2_000, 20_000],
      [5_000, 50_000],
    ] as const)
      await measurePlanning({ nodes, tasks }, report);
    await measurePlanning({ nodes: 2_000, tasks: 20_000, isOnNetwork: true }, report);
    await measurePlanning({ nodes: 10_000, tasks: 100_000, secondsMax: 3, oneMsMax: 5 }, report);
  },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => RUNS[name] === undefined);
if (unknown.length > 0) refuse(`no such runs: ${unknown.join(", ")} (there are ${Object.keys(RUNS).join(", ")})`);
await buildChildren(["manager", "workers", "raft-member", "bare-member"]);
for (const name of wanted.length === 0 ? Object.keys(RUNS) : wanted) await RUNS[name]?.();
process.exitCode = report.finish() ? 0 : 1;
