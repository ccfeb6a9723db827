import assert from "node:assert/strict";
import { place } from "../../src/scheduler/place.ts";
import { aRequest, aView } from "../unit/scheduler/fixtures.ts";
import { ThreadTime } from "./scale/thread-time.ts";
import { round, summarize } from "./statistics.ts";

const ROUNDS = 5;

/** Tasks of 10 services onto nodes, with constraints and reservations, by the thread's own time. @returns the median, in ms. */
export function benchScheduler({ nodes = 1_000, tasks = 10_000 } = {}): number {
  const views = Array.from({ length: nodes }, (_, index) =>
    aView({
      id: `n${String(index).padStart(5, "0")}`,
      labels: { zone: `z${index % 3}` },
      resources: { nanoCpus: 640e9, memoryBytes: 2_560e9 },
    }),
  );
  const requests = Array.from({ length: tasks }, (_, index) =>
    aRequest({
      taskId: `t${String(index).padStart(6, "0")}`,
      serviceId: `s${index % 10}`,
      reservations: { nanoCpus: 1e8, memoryBytes: 1e8 },
      ...(index % 2 === 0 ? {} : { placement: { constraints: ["node.labels.zone != z9"] } }),
    }),
  );
  const time = new ThreadTime();
  const times = Array.from({ length: ROUNDS }, () => {
    const startedMs = time.ranMs;
    const { assigned } = place(requests, views);
    assert.equal(assigned.size, tasks);
    return time.ranMs - startedMs;
  });
  const { median, max } = summarize(times);
  console.log(
    `scheduler, ${tasks} tasks on ${nodes} nodes: median ${round(median)} ms (worst ${round(max)}), ${Math.round(tasks / (median / 1_000))} tasks/s`,
  );
  return median;
}
