import assert from "node:assert/strict";
import { entryBytes } from "../../../../src/codec/entry.ts";
import { isNewer, StatusWriter } from "../../../../src/manager/dispatcher/status-writer.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import type { TaskStatus } from "../../../../src/model/cluster.ts";
import type { ApplyResult } from "../../../../src/manager/store/change.ts";
import type { Entry } from "../../../../src/model/entry.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { NodeId, TaskId } from "../../../../src/model/ids.ts";
import type { TaskState } from "../../../../src/model/task-state.ts";
import { settle, simulatedClock, VirtualTime } from "../../../sim/virtual-time.ts";
import { anAssignedTask } from "../../worker/fixtures.ts";

const NODE = asId<NodeId>("node1");

function aStatus(state: TaskState, message = ""): TaskStatus {
  return { state, atMs: 1, message };
}

describe("a reported status", () => {
  for (const { next, known, newer } of [
    { next: aStatus("running"), known: aStatus("starting"), newer: true },
    { next: aStatus("starting"), known: aStatus("running"), newer: false },
    { next: aStatus("running"), known: aStatus("running"), newer: false },
    { next: aStatus("running", "more to tell"), known: aStatus("running"), newer: true },
    { next: aStatus("failed"), known: aStatus("running"), newer: true },
    { next: aStatus("orphaned"), known: aStatus("failed"), newer: false },
    { next: aStatus("shutdown", "again"), known: aStatus("shutdown"), newer: false },
  ]) {
    it(`${next.state} "${next.message}" ${newer ? "replaces" : "does not replace"} ${known.state}`, () =>
      assert.equal(isNewer(next, known), newer));
  }
});

describe("writing statuses", () => {
  const time = new VirtualTime();
  let store: Store;
  let entries: Entry[];
  let overtakenTimes = 0;
  let writer: StatusWriter;
  let catchUp: () => void = () => {};

  async function propose(entry: Omit<Entry, "atMs">): Promise<ApplyResult> {
    const full = { ...entry, atMs: 1 };
    if (overtakenTimes-- > 0) return { kind: "refused", reason: "stale", message: "update out of sequence" };
    entries.push(full);
    return store.apply({ index: store.view().index + 1, term: 1, data: entryBytes.encode(full) });
  }

  function stateOf(id: string): TaskState | undefined {
    return store.view().get("task", asId<TaskId>(id))?.status.state;
  }

  async function write(...statuses: readonly (readonly [string, TaskState])[]): Promise<void> {
    const written = writer.write({
      nodeId: NODE,
      statuses: statuses.map(([id, state]) => ({ taskId: asId(id), status: aStatus(state) })),
    });
    written.catch(() => undefined); // Looked at below.
    await settle();
    await time.runUntil(time.nowMs + 100);
    await written;
  }

  beforeEach(async () => {
    store = new Store();
    entries = [];
    overtakenTimes = 0;
    writer = new StatusWriter({
      view: () => store.view(),
      propose,
      clock: simulatedClock(time),
      readBarrier: async () => catchUp(),
    });
    catchUp = () => {};
    for (const id of ["t1", "t2"]) {
      const { task } = anAssignedTask({ task: { id: asId(id), version: 0 } });
      await propose({ changes: [{ kind: "put", table: "task", object: task, basedOn: 0 }], reliesOn: [] });
    }
    entries = [];
  });

  it("puts reports that come together into one entry, the latest of each task", async () => {
    const all = [write(["t1", "accepted"], ["t1", "preparing"]), write(["t2", "running"])];
    await Promise.all(all);
    assert.equal(entries.length, 1);
    assert.deepEqual([stateOf("t1"), stateOf("t2")], ["preparing", "running"]);
  });

  it("waits for a task that another manager has told its worker of before this one has applied it", async () => {
    const { task } = anAssignedTask({ task: { id: asId("t3"), version: 0 } });
    catchUp = () => void propose({ changes: [{ kind: "put", table: "task", object: task, basedOn: 0 }], reliesOn: [] });
    await write(["t3", "running"]);
    assert.equal(stateOf("t3"), "running");
  });

  it("tries again on the newer state when it was overtaken", async () => {
    overtakenTimes = 3;
    await write(["t1", "running"]);
    assert.equal(stateOf("t1"), "running");
  });

  for (const { when, states, level, ranForMs } of [
    { when: "how long a task ran until it failed", states: ["running", "failed"], level: 2, ranForMs: 4_000 },
    { when: "nothing of one that never ran", states: ["starting", "failed"], level: 2, ranForMs: undefined },
    { when: "nothing that older managers would lose", states: ["running", "failed"], level: 1, ranForMs: undefined },
  ] as const)
    it(`keeps ${when}`, async () => {
      const cluster = { id: "cluster", version: 0, formatLevel: level };
      writer = new StatusWriter({
        view: () => store.view().with([{ kind: "put", table: "cluster", object: cluster as never, basedOn: 0 }]),
        propose,
        clock: simulatedClock(time),
        readBarrier: async () => {},
      });
      for (const [at, state] of states.entries()) {
        const told = writer.write({
          nodeId: NODE,
          statuses: [{ taskId: asId("t1"), status: { ...aStatus(state), atMs: 1 + 4_000 * at } }],
        });
        await time.runUntil(time.nowMs + 100);
        await told;
      }
      assert.equal(store.view().get("task", asId<TaskId>("t1"))?.ranForMs, ranForMs);
    });

  it("gives up in the end, and says so", async () => {
    overtakenTimes = 1_000;
    await assert.rejects(write(["t1", "running"]), { kind: "unavailable" });
  });

  it("writes nothing that goes back, is of another node's task or of none", async () => {
    await write(["t1", "running"]);
    entries = [];
    await write(["t1", "starting"], ["gone", "running"]);
    const foreign = writer.write({ nodeId: asId("other"), statuses: [{ taskId: asId("t2"), status: aStatus("failed") }] });
    await settle();
    await time.runUntil(time.nowMs + 100);
    await foreign;
    assert.deepEqual(entries, []);
    assert.deepEqual([stateOf("t1"), stateOf("t2")], ["running", "assigned"]);
  });
});
