import { AT_ONCE, NO_RESTART, replicas, table } from "./plan-cases.ts";

describe("the tasks of a replicated service", () => {
  table([
    { when: "are made slot by slot", mode: replicas(3), does: ["+1 running", "+2 running", "+3 running"] },
    {
      when: "are made as far as the turn has room",
      mode: replicas(3),
      budget: 2,
      does: ["+1 running", "+2 running"],
      isPartial: true,
    },
    {
      when: "are made also while others end faster than turns replace them",
      mode: replicas(4),
      template: AT_ONCE,
      tasks: [1, 2, 3].map(slot => `t${slot} ${slot}@n1 running/failed`),
      budget: 5,
      does: ["t1: shutdown", "+1 running", "t2: shutdown", "+2 running", "+4 running"],
      isPartial: true,
    },
    {
      when: "fill the gaps",
      mode: replicas(3),
      tasks: ["t1 1@n1 running/running", "t3 3@n3 running/running"],
      does: ["+2 running"],
    },
    {
      when: "are left alone when they run where they should",
      mode: replicas(2),
      tasks: ["t1 1@n1 running/running", "t2 2@n1 running/starting"],
      does: [],
    },
    {
      when: "come back in a slot of which only the history of an older revision is left",
      mode: replicas(2),
      tasks: ["t1 1@n1 shutdown/failed r0", "t2 2@n1 running/running"],
      does: ["+1 running"],
    },
    {
      when: "take free slots before those of which only history is left, if they are lower",
      mode: replicas(3),
      tasks: ["t2 2@n1 running/running", "t3 3@n1 shutdown/failed r0", "t5 5@n1 shutdown/failed r0"],
      does: ["+1 running", "+3 running"],
    },
    {
      when: "go from the node with most of them",
      mode: replicas(2),
      tasks: ["t1 1@n1 running/running", "t2 2@n1 running/running", "t3 3@n2 running/running"],
      does: ["t2: remove"],
    },
    {
      when: "go where they do not run yet",
      tasks: ["t1 1@n1 running/starting", "t2 2@n1 running/running"],
      does: ["t1: remove"],
    },
    {
      when: "go where they have no node yet, also when nothing runs",
      mode: replicas(2),
      tasks: ["t1 1@- running/pending", "t2 2@n1 running/starting", "t3 3@n1 running/starting"],
      does: ["t1: remove"],
    },
    {
      when: "go from slots that are being updated first",
      mode: replicas(1),
      tasks: ["t1 1@n1 running/running r0", "u1 1@n2 running/starting", "t2 2@n1 running/running"],
      service: { updateStatus: { state: "paused", message: "" } },
      does: ["t1: remove", "u1: remove"],
    },
    {
      when: "are as many as they were told before they have all ended",
      mode: replicas(0),
      tasks: ["t1 1@n1 running/running"],
      does: ["t1: remove"],
    },
    {
      when: "rest when they have finished and are not to be restarted",
      mode: replicas(2),
      tasks: ["t1 1@n1 shutdown/complete", "t2 2@n1 running/running"],
      template: NO_RESTART,
      does: [],
    },
    {
      when: "go when they have finished and fewer are wanted",
      mode: replicas(1),
      tasks: ["t1 1@n1 shutdown/complete", "t2 2@n1 running/running"],
      template: NO_RESTART,
      does: ["t1: remove"],
    },
    {
      when: "count as finished as far as that many are wanted",
      mode: replicas(2),
      tasks: ["t1 1@n1 shutdown/complete", "t2 2@n1 shutdown/failed", "t3 3@n1 shutdown/complete"],
      template: NO_RESTART,
      does: ["t3: remove"],
    },
    {
      when: "are made anew where they were shut down rather than finished",
      tasks: ["t1 1@n1 shutdown/shutdown"],
      template: NO_RESTART,
      does: ["+1 running"],
    },
  ]);
});
