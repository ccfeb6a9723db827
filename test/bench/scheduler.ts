import assert from "node:assert/strict";
import { place } from "../../src/scheduler/place.ts";
import { aRequest, aView } from "../unit/scheduler/fixtures.ts";
import { round, summarize } from "./statistics.ts";

const NODES = 1_000;
const TASKS = 10_000;
const ROUNDS = 5;

/** 10,000 tasks of 10 services onto 1,000 nodes, with constraints and reservations. */
export function benchScheduler(): void {
  const views = Array.from({ length: NODES }, (_, index) =>
    aView({
      id: `n${String(index).padStart(4, "0")}`,
      labels: { zone: `z${index % 3}` },
      resources: { nanoCpus: 64e9, memoryBytes: 256e9 },
    }),
  );
  const requests = Array.from({ length: TASKS }, (_, index) =>
    aRequest({
      taskId: `t${String(index).padStart(5, "0")}`,
      serviceId: `s${index % 10}`,
      reservations: { nanoCpus: 1e8, memoryBytes: 1e8 },
      ...(index % 2 === 0 ? {} : { placement: { constraints: ["node.labels.zone != z9"] } }),
    }),
  );
  const times = Array.from({ length: ROUNDS }, () => {
    const startedMs = performance.now();
    const { assigned } = place(requests, views);
    assert.equal(assigned.size, TASKS);
    return performance.now() - startedMs;
  });
  const { median, max } = summarize(times);
  console.log(
    `scheduler, ${TASKS} tasks on ${NODES} nodes: median ${round(median)} ms (worst ${round(max)}), ${Math.round(TASKS / (median / 1_000))} tasks/s`,
  );
}
