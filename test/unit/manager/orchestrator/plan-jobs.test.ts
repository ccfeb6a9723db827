import { NOW } from "./situation.ts";
import { GLOBAL_JOB, job, NO_RESTART, ON_EAST, table } from "./plan-cases.ts";

describe("tasks of a job", () => {
  table([
    { when: "are made from slot 0, so many at a time", mode: job(2, 3), does: ["+0 complete", "+1 complete"] },
    {
      when: "are made as others complete",
      mode: job(2, 3),
      tasks: ["t0 0@n1 complete/complete run=0", "t1 1@n1 complete/running run=0"],
      does: ["+2 complete"],
    },
    {
      when: "are no more than is left to complete",
      mode: job(5, 3),
      tasks: ["t0 0@n1 complete/complete run=0", "t1 1@n1 complete/running run=0"],
      does: ["+2 complete"],
    },
    {
      when: "rest when all have completed",
      mode: job(2, 2),
      tasks: ["t0 0@n1 complete/complete run=0", "t1 1@n1 complete/complete run=0"],
      does: [],
    },
    {
      when: "are tried again after they failed",
      mode: job(1, 1),
      tasks: ["t0 0@n1 complete/failed run=0"],
      does: ["t0: shutdown", "+0 ready from 5000"],
      wakeAtMs: NOW + 5_000,
    },
    {
      when: "are over when they have failed for good",
      mode: job(2, 2),
      template: NO_RESTART,
      tasks: ["t0 0@n1 shutdown/failed run=0", "t1 1@n1 complete/running run=0"],
      does: [],
    },
    {
      when: "are made as far as the turn has room",
      mode: job(3, 3),
      budget: 2,
      does: ["+0 complete", "+1 complete"],
      isPartial: true,
    },
    {
      when: "of the run before are ended for the next one",
      mode: job(2, 2),
      service: { job: { iteration: 1, lastExecutedAtMs: 0 } },
      tasks: ["t0 0@n1 complete/failed run=0", "t1 1@n1 complete/running run=0"],
      does: ["t0: shutdown", "t1: remove", "+0 complete run 1", "+1 ready run 1"],
    },
    {
      when: "of the run before do not count for the next one",
      mode: job(2, 2),
      service: { job: { iteration: 1, lastExecutedAtMs: 0 } },
      tasks: ["t0 0@n1 complete/complete run=0", "t1 1@n1 complete/complete run=1"],
      does: ["+0 complete run 1"],
    },
    {
      when: "are made once on every node of a global job",
      mode: GLOBAL_JOB,
      tasks: ["t1 0@n1 complete/complete run=0"],
      nodes: [
        { id: "n3", availability: "drain" },
        { id: "n4", state: "down" },
      ],
      does: ["+0@n2 complete"],
    },
    {
      when: "are made where the constraints of a global job allow it, as far as there is room",
      mode: GLOBAL_JOB,
      template: ON_EAST,
      nodes: [
        { id: "n1", labels: { zone: "east" } },
        { id: "n2", labels: { zone: "east" } },
      ],
      budget: 1,
      does: ["+0@n1 complete"],
      isPartial: true,
    },
    {
      when: "of a global job are not made twice",
      mode: GLOBAL_JOB,
      tasks: ["t1 0@n1 complete/running run=0", "t2 0@n2 shutdown/failed run=0", "t3 0@n3 complete/complete run=0"],
      template: NO_RESTART,
      does: [],
    },
  ]);
});
