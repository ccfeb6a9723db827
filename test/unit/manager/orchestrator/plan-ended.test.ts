import { NOW } from "./situation.ts";
import { AT_ONCE, DOWN, DRAINED, NO_RESTART, ON_EAST, table } from "./plan-cases.ts";

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
      when: "stops once another one runs in its place, also of a revision that an update has yet to replace",
      tasks: [`${running} r0 made=1 till=${NOW + 500}`, "t2 1@n2 running/running made=2 r0"],
      nodes: [DRAINED],
      service: { updateStatus: { state: "paused", message: "" } },
      does: ["t1: shutdown"],
      wakeAtMs: NOW + 500,
    },
    {
      when: "gives way to the one in its place when its node takes tasks again in the midst of an update",
      tasks: [`${running} r0 made=1 till=${NOW + 500}`, "t2 1@n2 running/running made=2 r0"],
      service: { updateStatus: { state: "paused", message: "" } },
      does: ["t1: shutdown, stays"],
    },
    {
      when: "serves on beside one of the present revision that does not run yet",
      tasks: [`${running} r0 made=1`, "t2 1@n2 running/starting made=2"],
      service: { updateStatus: { state: "updating", startedAtMs: 0, message: "" } },
      does: [],
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
