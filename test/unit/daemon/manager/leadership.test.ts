import assert from "node:assert/strict";
import { runWhileLeading } from "../../../../src/daemon/manager/leadership.ts";
import type { Consensus, ConsensusStatus } from "../../../../src/ports/consensus.ts";
import type { Log } from "../../../../src/ports/log.ts";
import { simulatedClock, settle, VirtualTime } from "../../../sim/virtual-time.ts";

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const LEADING: ConsensusStatus = {
  ...{ raftId: 1, role: "leader", leaderId: 1, term: 3, commitIndex: 9, appliedIndex: 7, members: [] },
};

describe("a manager that leads", () => {
  it("begins its work when all that earlier leaders brought into the log is applied", async () => {
    const over = new AbortController();
    let catchUp = () => {};
    const caughtUp = new Promise<void>(resolve => {
      catchUp = resolve;
    });
    const consensus: Pick<Consensus, "watchStatus" | "readBarrier"> = {
      async *watchStatus({ signal }) {
        yield LEADING;
        await new Promise(resolve => signal.addEventListener("abort", resolve));
      },
      readBarrier: () => caughtUp,
    };
    const begun: unknown[] = [];
    const work = async ({ term, signal }: { readonly term: number; readonly signal: AbortSignal }) => {
      begun.push(term);
      await new Promise(resolve => signal.addEventListener("abort", resolve));
    };
    const clock = simulatedClock(new VirtualTime());
    const running = runWhileLeading(
      consensus as Consensus,
      { work },
      {
        ...{ log, clock, signal: over.signal },
        onTerm: () => begun.push("term"),
      },
    );
    await settle();
    assert.deepEqual(begun, ["term"]);
    catchUp();
    await settle();
    assert.deepEqual(begun, ["term", LEADING.term]);
    over.abort();
    await running;
  });
});
