import assert from "node:assert/strict";
import type { Situation } from "./situation.ts";
import { decide, NOW, SECOND_NS, task, viewOf } from "./situation.ts";
import { unusedRevisions } from "../../../../src/manager/orchestrator/reap.ts";
import { AT_ONCE, DOWN, DRAINED, NO_RESTART, replicas, table } from "./plan-cases.ts";

describe("what is done with", () => {
  const history = Array.from({ length: 6 }, (_, at) => `h${at} 1@n1 shutdown/failed made=${at + 1}`);
  const live = "t1 1@n1 running/running made=10";
  table([
    { when: "goes when it is more than is remembered", tasks: [...history, live], does: ["-h0", "-h1"] },
    {
      when: "goes also where tasks end faster than turns replace them",
      mode: replicas(3),
      template: AT_ONCE,
      tasks: [1, 2, 3].flatMap(slot => [
        ...Array.from({ length: 5 }, (_, at) => `h${slot}${at} ${slot}@n1 shutdown/failed made=${at + 1}`),
        `t${slot} ${slot}@n1 running/failed made=10`,
      ]),
      budget: 6,
      does: ["t1: shutdown", "+1 running", "-h10", "-h11", "t2: shutdown", "+2 running", "-h20", "-h21"],
      isPartial: true,
    },
    { when: "stays up to what the cluster remembers", tasks: [...history, live], historyLimit: 7, does: [] },
    {
      when: "goes but for the newest where nothing is remembered",
      tasks: [...history, live],
      historyLimit: 0,
      does: history.map(each => `-${each.slice(0, 2)}`),
    },
    {
      when: "stays as long as the restart policy has to count it",
      tasks: [...history, live],
      template: { restart: { condition: "any", maxAttempts: 8 } },
      does: [],
    },
    {
      when: "stays when it tells that its instance has finished",
      template: NO_RESTART,
      historyLimit: 0,
      tasks: ["h0 1@n1 shutdown/complete made=1", "h1 1@n1 shutdown/complete made=2"],
      does: ["-h0"],
    },
    {
      when: "goes at once when it is to be removed and has ended",
      mode: replicas(0),
      tasks: ["t1 1@n1 remove/shutdown"],
      does: ["-t1"],
    },
    { when: "is waited for when it is to be removed and runs", mode: replicas(0), tasks: ["t1 1@n1 remove/running"], does: [] },
    {
      when: "is not waited for when its node is down",
      mode: replicas(0),
      tasks: ["t1 1@n1 remove/running"],
      nodes: [DOWN],
      does: ["-t1"],
    },
    { when: "goes at once when it never had a node", mode: replicas(0), tasks: ["t1 1@- shutdown/pending"], does: ["-t1"] },
    {
      when: "is given up when its node is gone",
      tasks: ["t0 1@n1 shutdown/running made=1", "t1 1@n2 running/running made=2"],
      gone: ["n1"],
      does: ["t0: is orphaned"],
    },
    {
      when: "is given up when its node has been down for a day",
      tasks: ["t0 1@n1 shutdown/running made=1", "t1 1@n2 running/running made=2"],
      nodes: [{ ...DOWN, updatedAtMs: NOW - 24 * 3_600_000 }],
      does: ["t0: is orphaned"],
    },
    {
      when: "is not given up before",
      tasks: ["t0 1@n1 shutdown/running made=1", "t1 1@n2 running/running made=2"],
      nodes: [{ ...DOWN, updatedAtMs: NOW + 1 - 24 * 3_600_000 }],
      does: [],
      wakeAtMs: NOW + 1,
    },
    {
      when: "is waited for on a drained node",
      tasks: ["t0 1@n1 shutdown/running made=1", "t1 1@n2 running/running made=2"],
      nodes: [DRAINED],
      does: [],
    },
  ]);

  it("among the revisions is what no service has or could go back to and no task runs", () => {
    const unused = (situation: Situation): readonly string[] =>
      unusedRevisions(viewOf(situation)[0]).map(change => (change.kind === "remove" ? change.id : ""));
    assert.deepEqual(unused({}), ["r0"]);
    assert.deepEqual(unused({ tasks: ["t1 1@n1 shutdown/failed r0"] }), []);
    assert.deepEqual(unused({ service: { previousRevisionId: "r0" as never } }), []);
  });
});

describe("a service that is being removed", () => {
  const service = { isRemoving: true };
  table([
    {
      when: "takes its tasks down first",
      service,
      mode: replicas(3),
      tasks: ["t1 1@n1 running/running", "t2 2@- running/pending", "t3 3@n1 running/failed"],
      does: ["t1: remove", "-t2", "-t3"],
    },
    {
      when: "takes down also what is beside one that goes already",
      service,
      tasks: ["t1 1@n1 remove/running made=1", "t2 1@n1 running/running made=2"],
      does: ["t2: remove"],
    },
    { when: "waits for them", service, tasks: ["t1 1@n1 remove/running"], does: [] },
    {
      when: "goes with the last of them, and so do its revisions",
      service,
      tasks: ["t1 1@n1 remove/shutdown"],
      does: ["-t1", "-service web-id", "-revision r0", "-revision r1"],
    },
    { when: "goes when it has none", service, does: ["-service web-id", "-revision r0", "-revision r1"] },
    {
      when: "goes in parts when the turn has no room",
      service,
      budget: 1,
      mode: replicas(2),
      tasks: ["t1 1@n1 running/running", "t2 2@n1 running/running"],
      does: ["t1: remove"],
      isPartial: true,
    },
    {
      when: "does not wait for what nobody will hear of",
      service,
      tasks: ["t1 1@n1 running/running"],
      gone: ["n1"],
      does: ["-t1", "-service web-id", "-revision r0", "-revision r1"],
    },
  ]);
});

describe("a service", () => {
  it("is not planned while its revision is not there", () => {
    assert.deepEqual(decide({ service: { revisionId: "r9" as never } }), { does: [] });
  });

  it("of whose tasks one has run since before its clock was set back is left alone", () => {
    assert.deepEqual(decide({ tasks: [{ ...task("t1 1@n1 running/running"), createdAtMs: NOW + SECOND_NS }] }), { does: [] });
  });
});
