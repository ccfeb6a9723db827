import { DOWN, DRAINED, GLOBAL, NO_RESTART, ON_EAST, table } from "./plan-cases.ts";

describe("tasks of a global service", () => {
  const all = ["t1 0@n1 running/running", "t2 0@n2 running/running", "t3 0@n3 running/running"];
  table([
    { when: "are made on every node", mode: GLOBAL, does: ["+0@n1 running", "+0@n2 running", "+0@n3 running"] },
    { when: "are made as far as the turn has room", mode: GLOBAL, budget: 1, does: ["+0@n1 running"], isPartial: true },
    { when: "are left alone where they run", mode: GLOBAL, tasks: all, does: [] },
    {
      when: "are made where nodes are ready, active and meet the constraints",
      mode: GLOBAL,
      template: ON_EAST,
      nodes: [
        { id: "n1", labels: { zone: "east" } },
        { id: "n2", labels: { zone: "east" }, availability: "pause" },
        { id: "n3", labels: { zone: "east" }, state: "down" },
        { id: "n4", labels: { zone: "west" } },
      ],
      does: ["+0@n1 running"],
    },
    {
      when: "end on nodes that are drained or fit no more",
      mode: GLOBAL,
      tasks: all,
      template: ON_EAST,
      nodes: [
        { ...DRAINED, labels: { zone: "east" } },
        { id: "n2", labels: { zone: "east" } },
      ],
      does: ["t1: shutdown", "t3: shutdown"],
    },
    {
      when: "end on nodes that fit no more also when they are of an older revision",
      mode: GLOBAL,
      tasks: ["t1 0@n1 running/running r0"],
      template: ON_EAST,
      service: { updateStatus: { state: "paused", message: "" } },
      does: ["t1: shutdown"],
    },
    {
      when: "are not updated on nodes that fit no more, nor does an update wait for them",
      mode: GLOBAL,
      tasks: ["t1 0@n1 running/running r0", "t2 0@n2 running/running r0"],
      template: ON_EAST,
      nodes: [{ id: "n2", labels: { zone: "east" } }],
      spec: { update: { parallelism: 1, delayNs: 0, failureAction: "pause", maxFailureRatio: 0, order: "stop-first" } },
      service: { updateStatus: { state: "updating", startedAtMs: 100, message: "" } },
      does: ["t1: shutdown", "t2: shutdown", "+0@n2 ready"],
    },
    {
      when: "stay on nodes that only take no more",
      mode: GLOBAL,
      tasks: all,
      nodes: [{ id: "n1", availability: "pause" }],
      does: [],
    },
    {
      when: "go with a node that is gone, and so does its history",
      mode: GLOBAL,
      tasks: [...all, "t0 0@n1 shutdown/failed"],
      gone: ["n1"],
      does: ["t1: remove", "t0: remove"],
    },
    {
      when: "wait for a node that is down",
      mode: GLOBAL,
      tasks: all,
      nodes: [DOWN],
      does: ["t1: shutdown"],
      wakeAtMs: 24 * 3_600_000,
    },
    {
      when: "are made again on a node that is back",
      mode: GLOBAL,
      tasks: ["t1 0@n1 shutdown/shutdown", "t2 0@n2 running/running", "t3 0@n3 running/running"],
      does: ["+0@n1 running"],
    },
    {
      when: "rest where they have finished",
      mode: GLOBAL,
      template: NO_RESTART,
      tasks: ["t1 0@n1 shutdown/complete", "t2 0@n2 running/running", "t3 0@n3 running/running"],
      does: [],
    },
    {
      when: "rest where they were tried often enough",
      mode: GLOBAL,
      template: { restart: { condition: "any", delayNs: 0, maxAttempts: 1 } },
      tasks: [
        "t0 0@n1 shutdown/failed made=1",
        "t1 0@n1 shutdown/failed made=2",
        "t2 0@n2 running/running",
        "t3 0@n3 running/running",
      ],
      does: [],
    },
    {
      when: "are made anew where only those of an older revision have finished",
      mode: GLOBAL,
      template: NO_RESTART,
      tasks: ["t1 0@n1 shutdown/complete r0", "t2 0@n2 running/running", "t3 0@n3 running/running"],
      does: ["+0@n1 running"],
    },
  ]);
});
