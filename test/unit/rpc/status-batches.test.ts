import assert from "node:assert/strict";
import { OperationError } from "../../../src/lib/errors.ts";
import { asId } from "../../../src/model/ids.ts";
import type { NodeId, TaskId } from "../../../src/model/ids.ts";
import type { StatusReport } from "../../../src/rpc/backends.ts";
import { StatusBatches } from "../../../src/rpc/status-batches.ts";
import { simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";

function report(node: string, count = 1): StatusReport {
  const status = { state: "running", atMs: 0, message: "" } as const;
  return {
    nodeId: asId<NodeId>(node),
    statuses: Array.from({ length: count }, (_, at) => ({ taskId: asId<TaskId>(`${node}-${at}`), status })),
  };
}

/** Batches in virtual time whose leader answers as a test says, and `ok` when it says nothing. */
class Leader {
  readonly time = new VirtualTime();
  /** The nodes of each call, and when it was made. */
  readonly calls: string[] = [];
  readonly answers: OperationError[] = [];
  readonly batches = new StatusBatches({
    clock: simulatedClock(this.time),
    calls: {
      one: async ({ nodeId }) => this.#answer(nodeId),
      many: async reports => this.#answer(reports.map(({ nodeId }) => nodeId).join("+")),
    },
  });

  #answer(nodes: string): void {
    this.calls.push(`${nodes} at ${this.time.nowMs}`);
    const answer = this.answers.shift();
    if (answer !== undefined) throw answer;
  }

  /** @returns how each ended, once nothing is waited for any more. */
  async write(...reports: readonly StatusReport[]): Promise<readonly string[]> {
    const ends = reports.map(each =>
      this.batches.write(each, {}).then(
        () => "written",
        (error: OperationError) => error.kind,
      ),
    );
    await this.time.runUntil(this.time.nowMs + 100);
    return await Promise.all(ends);
  }
}

describe("reports of statuses on their way to the leader", () => {
  it("go one by one to a leader that has not said that it takes many", async () => {
    const leader = new Leader();
    assert.deepEqual(await leader.write(report("a"), report("b")), ["written", "written"]);
    assert.deepEqual(leader.calls, ["a at 0", "b at 0"]);
  });

  it("go together when they come within 20 ms", async () => {
    const leader = new Leader();
    leader.batches.takesMany = true;
    assert.deepEqual(await leader.write(report("a"), report("b")), ["written", "written"]);
    assert.deepEqual(await leader.write(report("c")), ["written"]);
    assert.deepEqual(leader.calls, ["a+b at 20", "c at 120"]);
  });

  it("go in several calls when there are many statuses", async () => {
    const leader = new Leader();
    leader.batches.takesMany = true;
    await leader.write(report("a", 600), report("b", 600), report("c"));
    assert.deepEqual(leader.calls, ["a+b at 20", "c at 20"]);
  });

  it("are all to be tried again when the leader cannot be reached", async () => {
    const leader = new Leader();
    leader.batches.takesMany = true;
    leader.answers.push(new OperationError("unavailable", "it is gone"));
    assert.deepEqual(await leader.write(report("a"), report("b")), ["unavailable", "unavailable"]);
    assert.deepEqual(leader.calls, ["a+b at 20"]);
  });

  it("stand each for itself when one of them is refused", async () => {
    const leader = new Leader();
    leader.batches.takesMany = true;
    const refused = new OperationError("invalid", "what is that");
    leader.answers.push(refused, refused);
    assert.deepEqual(await leader.write(report("bad"), report("good")), ["invalid", "written"]);
    assert.deepEqual(leader.calls, ["bad+good at 20", "bad at 20", "good at 20"]);
  });
});
