import assert from "node:assert/strict";
import type { ServiceSpec } from "../../../../src/model/cluster.ts";
import { decide, NOW, SECOND_NS, task, viewOf } from "./situation.ts";
import type { Decision, Situation } from "./situation.ts";
import { unusedRevisions } from "../../../../src/manager/orchestrator/reap.ts";

interface Case extends Situation, Decision {
  readonly when: string;
}

function table(cases: readonly Case[]): void {
  for (const { when, does, wakeAtMs, isPartial, ...situation } of cases) {
    it(when, () => {
      const expected = { does, ...(wakeAtMs !== undefined && { wakeAtMs }), ...(isPartial && { isPartial }) };
      assert.deepEqual(decide(situation), expected);
    });
  }
}

const replicas = (count: number): ServiceSpec["mode"] => ({ kind: "replicated", replicas: count });
const GLOBAL = { kind: "global" } as const;
const GLOBAL_JOB = { kind: "global-job" } as const;
const job = (maxConcurrent: number, totalCompletions: number): ServiceSpec["mode"] => ({
  kind: "replicated-job",
  maxConcurrent,
  totalCompletions,
});
const DRAINED = { id: "n1", availability: "drain" } as const;
const DOWN = { id: "n1", state: "down" } as const;
const NO_RESTART = { restart: { condition: "none" } } as const;
const AT_ONCE = { restart: { condition: "any", delayNs: 0 } } as const;
const ON_EAST = { placement: { constraints: ["node.labels.zone == east"] } };

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

describe("a task that ends", () => {
  const failed = "t1 1@n1 running/failed";
  table([
    {
      when: "is replaced after the default delay",
      tasks: [failed],
      does: ["t1: shutdown", "+1 ready from 5000"],
      wakeAtMs: NOW + 5_000,
    },
    { when: "is replaced at once without a delay", tasks: [failed], template: AT_ONCE, does: ["t1: shutdown", "+1 running"] },
    { when: "is not replaced when its policy says so", tasks: [failed], template: NO_RESTART, does: ["t1: shutdown"] },
    {
      when: "stays down when it has completed and only failures count",
      tasks: ["t1 1@n1 running/complete"],
      template: { restart: { condition: "on-failure" } },
      does: ["t1: shutdown"],
    },
    {
      when: "is replaced as often as its policy says",
      tasks: ["a 1@n1 shutdown/failed made=1", "b 1@n1 shutdown/failed made=2", "t1 1@n1 running/failed made=3"],
      template: { restart: { condition: "any", delayNs: 0, maxAttempts: 2 } },
      does: ["t1: shutdown"],
    },
    {
      when: "is replaced while attempts of other revisions alone are behind it",
      tasks: ["a 1@n1 shutdown/failed made=1 r0", "t1 1@n1 running/failed made=3"],
      template: { restart: { condition: "any", delayNs: 0, maxAttempts: 1 } },
      does: ["t1: shutdown", "+1 running"],
    },
    {
      when: "of an older revision is not tried again while another one serves and no update is under way",
      tasks: ["t1 1@n1 running/running r0 made=1", "t2 1@n2 running/failed made=2"],
      service: { updateStatus: { state: "paused", message: "" } },
      does: ["t2: shutdown"],
    },
    {
      when: "is tried again beside an older one that serves while an update is under way",
      tasks: ["t1 1@n1 running/running r0 made=1", "t2 1@n2 running/failed made=2 at=1"],
      service: { updateStatus: { state: "updating", startedAtMs: 0, message: "" } },
      spec: { update: { parallelism: 1, delayNs: 0, failureAction: "continue", maxFailureRatio: 0, order: "start-first" } },
      does: ["t2: shutdown", "+1 ready from 5000"],
      wakeAtMs: NOW + 5_000,
    },
    {
      when: "of an older revision is left to the update while another older one serves",
      tasks: ["t1 1@n1 running/failed r0 made=1 till=9", "t2 1@n2 running/running r0 made=2", "t3 2@n3 running/starting made=3"],
      mode: { kind: "replicated", replicas: 2 },
      service: { updateStatus: { state: "updating", startedAtMs: 0, message: "" } },
      does: ["t1: shutdown"],
    },
    {
      when: "is not replaced when one of the present revision is there already",
      tasks: ["t1 1@n1 running/failed made=1", "t2 1@n2 running/starting made=2"],
      does: ["t1: shutdown"],
    },
  ]);
});

describe("a task whose node fails it", () => {
  const running = "t1 1@n1 running/running";
  table([
    {
      when: "is replaced at once when the node is down",
      tasks: [running],
      nodes: [DOWN],
      does: ["t1: shutdown", "+1 running"],
      wakeAtMs: 24 * 3_600_000,
    },
    {
      when: "is replaced at once when the node is gone",
      tasks: [running],
      gone: ["n1"],
      does: ["t1: shutdown, is orphaned", "+1 running"],
    },
    {
      when: "is replaced by one that waits for its end when the node does not fit any more",
      tasks: [running],
      template: ON_EAST,
      nodes: [{ id: "n2", labels: { zone: "east" } }],
      does: ["t1: shutdown", "+1 ready"],
      wakeAtMs: NOW + 60_000,
    },
    {
      when: "is left to the update when it is of an older revision and the node does not fit the new one",
      tasks: ["t1 1@n1 running/running r0"],
      template: ON_EAST,
      service: { updateStatus: { state: "paused", message: "" } },
      does: [],
    },
    {
      when: "serves on a drained node until another one does",
      tasks: [running],
      nodes: [DRAINED],
      does: ["t1: stays for 120000", "+1 running"],
    },
    {
      when: "serves on while its history goes",
      tasks: ["h0 1@n1 shutdown/failed made=1", "t1 1@n1 running/running made=2"],
      nodes: [DRAINED],
      historyLimit: 1,
      does: ["t1: stays for 120000", "+1 running", "-h0"],
    },
    {
      when: "does not serve on while a manager would lose how long it may",
      tasks: [running],
      nodes: [DRAINED],
      formatLevel: 1,
      does: ["t1: shutdown", "+1 ready"],
      wakeAtMs: NOW + 60_000,
    },
    {
      when: "does not serve on where no node takes another one",
      tasks: [running],
      nodes: [DRAINED, { id: "n2", availability: "pause" }, { id: "n3", state: "down" }],
      does: ["t1: shutdown", "+1 ready"],
      wakeAtMs: NOW + 60_000,
    },
    {
      when: "does not serve on when it is not to be restarted",
      tasks: [running],
      nodes: [DRAINED],
      template: NO_RESTART,
      does: ["t1: shutdown", "+1 ready"],
    },
    {
      when: "does not serve on a drained node when it does not run yet",
      tasks: ["t1 1@n1 running/starting"],
      nodes: [DRAINED],
      does: ["t1: shutdown", "+1 ready"],
      wakeAtMs: NOW + 60_000,
    },
    {
      when: "does not serve on beside one that writes the same files",
      tasks: [running],
      nodes: [DRAINED],
      template: { container: { image: "a", labels: {}, mounts: [{ type: "volume", source: "data", target: "/data" }] } },
      does: ["t1: shutdown", "+1 ready"],
      wakeAtMs: NOW + 60_000,
    },
    {
      when: "serves on beside one with files of its own",
      tasks: [running],
      nodes: [DRAINED],
      template: {
        container: {
          image: "a",
          labels: {},
          mounts: [
            { type: "volume", target: "/anonymous" },
            { type: "volume", source: "", target: "/nameless" },
            { type: "bind", source: "/etc", target: "/etc", readOnly: true },
            { type: "tmpfs", source: "x", target: "/tmp" },
            { type: "image", source: "tools", target: "/tools" },
          ],
        },
      },
      does: ["t1: stays for 120000", "+1 running"],
    },
    {
      when: "serves on while the one in its place is on its way",
      tasks: [`${running} made=1 till=${NOW + 500}`, "t2 1@n2 running/starting made=2"],
      nodes: [DRAINED],
      does: [],
      wakeAtMs: NOW + 500,
    },
    {
      when: "serves on no longer than its time",
      tasks: [`${running} made=1 till=${NOW}`, "t2 1@n2 running/starting made=2"],
      nodes: [DRAINED],
      does: ["t1: shutdown"],
    },
    {
      when: "serves on no longer than the one in its place may look for a node",
      tasks: [`${running} made=1 till=${NOW + 50_000}`, `t2 1@- running/pending made=${NOW - 10_000}`],
      nodes: [DRAINED],
      does: ["t1: shutdown"],
    },
    {
      when: "ends when the one in its place runs",
      tasks: [`${running} made=1 till=${NOW + 500}`, "t2 1@n2 running/running made=2"],
      nodes: [DRAINED],
      does: ["t1: shutdown"],
      wakeAtMs: NOW + 500,
    },
    {
      when: "stays where it is when its node takes tasks again",
      tasks: [`${running} till=${NOW + 500}`],
      does: ["t1: stays"],
    },
    {
      when: "waits its turn when many of its node are on their way",
      tasks: [running],
      nodes: [DRAINED],
      moves: new Map([["n1" as never, 10]]),
      does: [],
      wakeAtMs: NOW + 500,
    },
    {
      when: "waits for the delay when what was tried in its place failed",
      tasks: [`${running} made=1 till=${NOW + 90_000}`, "t2 1@n2 shutdown/failed made=2"],
      nodes: [DRAINED],
      does: ["t1: ", "+1 ready from 5000"],
      wakeAtMs: NOW + 5_000,
    },
  ]);
});

describe("a task that waits to start", () => {
  table([
    { when: "starts when its time has come", tasks: [`t1 1@n1 ready/ready made=1 from=${NOW}`], does: ["t1: running"] },
    { when: "waits until then", tasks: [`t1 1@n1 ready/ready made=1 from=${NOW + 1}`], does: [], wakeAtMs: NOW + 1 },
    {
      when: "waits for the one before it to end",
      tasks: [`t0 1@n1 shutdown/running made=1`, `t1 1@n1 ready/ready made=${NOW - 59_000}`],
      does: [],
      wakeAtMs: NOW + 1_000,
    },
    {
      when: "starts when the one before it has ended",
      tasks: [`t0 1@n1 shutdown/shutdown made=1`, `t1 1@n1 ready/ready made=${NOW - 59_000}`],
      does: ["t1: running"],
    },
    {
      when: "starts when nothing will be heard of the one before it",
      tasks: [`t0 1@n2 shutdown/running made=1`, `t1 1@n1 ready/ready made=${NOW - 59_000}`],
      gone: ["n2"],
      does: ["t1: running", "t0: is orphaned"],
    },
    {
      when: "starts after a minute all the same",
      tasks: [`t0 1@n1 shutdown/running made=1`, `t1 1@n1 ready/ready made=${NOW - 60_000}`],
      does: ["t1: running"],
    },
    {
      when: "does not wait for hours when the clock was set back",
      tasks: [`t1 1@n1 ready/ready made=${NOW + 3_600_000} from=${NOW + 3_605_000}`],
      does: ["t1: running"],
    },
    {
      when: "is not told to start twice",
      tasks: [`t0 1@n1 shutdown/running made=1`, `t1 1@n1 running/starting made=2`],
      does: [],
    },
    {
      when: "starts nothing when it has ended",
      tasks: [`t1 1@n1 shutdown/rejected made=1 r0`, `t2 1@n1 running/running made=2`],
      does: [],
    },
  ]);
});

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
      does: ["t1: shutdown, is orphaned", "t0: remove"],
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

describe("what is done with", () => {
  const history = Array.from({ length: 6 }, (_, at) => `h${at} 1@n1 shutdown/failed made=${at + 1}`);
  const live = "t1 1@n1 running/running made=10";
  table([
    { when: "goes when it is more than is remembered", tasks: [...history, live], does: ["-h0", "-h1"] },
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
