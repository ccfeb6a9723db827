import assert from "node:assert/strict";
import { OperationError } from "../../../src/lib/errors.ts";
import { PENDING_PROPOSALS_MAX, PROPOSAL_BYTES_MAX, Proposals } from "../../../src/raft/proposals.ts";

const bytes = (text: string) => Buffer.from(text);
/** A log that takes what it is given, from index 1 on. */
function accepting(term = 1): {
  readonly taken: string[];
  readonly place: (data: Uint8Array) => { kind: "accepted"; index: number; term: number };
} {
  const taken: string[] = [];
  return { taken, place: data => ({ kind: "accepted", index: taken.push(Buffer.from(data).toString()), term }) };
}

describe("Proposals", () => {
  it("go to the log in order and settle with what apply returned", async () => {
    const proposals = new Proposals();
    const results = [proposals.add(bytes("a"), {}), proposals.add(bytes("b"), {})];
    const log = accepting();
    proposals.feed(data => log.place(data), 100);
    assert.deepEqual([log.taken, proposals.isQueueEmpty], [["a", "b"], true]);
    proposals.applied(1, 1, "one");
    proposals.applied(2, 1, "two");
    proposals.applied(3, 1, "nobody waits for it");
    assert.deepEqual(await Promise.all(results), ["one", "two"]);
  });

  it("wait for the next turn when a turn is full", async () => {
    const proposals = new Proposals();
    const results = ["aaaa", "bbbb", "cccc"].map(text => proposals.add(bytes(text), {}));
    const log = accepting();
    proposals.feed(data => log.place(data), 6);
    assert.deepEqual([log.taken, proposals.isQueueEmpty], [["aaaa", "bbbb"], false]);
    proposals.feed(data => log.place(data), 6);
    assert.deepEqual(log.taken, ["aaaa", "bbbb", "cccc"]);
    for (const index of [1, 2, 3]) proposals.applied(index, 1, index);
    assert.deepEqual(await Promise.all(results), [1, 2, 3]);
  });

  it("fail when the log refuses them", async () => {
    for (const [kind, message] of [
      ["not-leader", /is not the leader/],
      ["transferring", /is being transferred/],
    ] as const) {
      const proposals = new Proposals();
      const result = proposals.add(bytes("a"), {});
      proposals.feed(() => ({ kind }), 100);
      await assert.rejects(
        result,
        (error: unknown) => error instanceof OperationError && error.kind === "unavailable" && message.test(error.message),
      );
    }
  });

  it("fail when another leader's entry took their place", async () => {
    const proposals = new Proposals();
    const result = proposals.add(bytes("a"), {});
    const log = accepting(4);
    proposals.feed(data => log.place(data), 100);
    proposals.applied(1, 5, "another's");
    await assert.rejects(result, /may or may not have been kept/);
  });

  it("fail after the commit index when leadership is lost, and are settled up to it", async () => {
    const proposals = new Proposals();
    const [first, second] = [proposals.add(bytes("a"), {}), proposals.add(bytes("b"), {})];
    const log = accepting();
    proposals.feed(data => log.place(data), 100);
    proposals.leadershipLost(1);
    await assert.rejects(second, /lost leadership/);
    proposals.applied(1, 1, "one");
    assert.equal(await first, "one");
  });

  it("fail when a snapshot took the place of their entries", async () => {
    const proposals = new Proposals();
    const [first, second] = [proposals.add(bytes("a"), {}), proposals.add(bytes("b"), {})];
    const log = accepting();
    proposals.feed(data => log.place(data), 100);
    proposals.skippedTo(1);
    await assert.rejects(first, /lost leadership/);
    proposals.applied(2, 1, "two");
    assert.equal(await second, "two");
  });

  it("end at once for a caller that gives up", async () => {
    const proposals = new Proposals();
    const controller = new AbortController();
    const result = proposals.add(bytes("a"), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(result, /enough/);
    await assert.rejects(proposals.add(bytes("b"), { signal: controller.signal }), /enough/);
    proposals.feed(data => accepting().place(data), 100);
    proposals.applied(1, 1, "late");
  });

  it("are limited in number and size", async () => {
    const proposals = new Proposals();
    await assert.rejects(proposals.add(new Uint8Array(PROPOSAL_BYTES_MAX + 1), {}), { kind: "invalid" });
    const results = Array.from({ length: PENDING_PROPOSALS_MAX }, () => proposals.add(bytes("a"), {}));
    await assert.rejects(proposals.add(bytes("a"), {}), { kind: "unavailable" });
    proposals.stop(new OperationError("unavailable", "stopping"));
    for (const result of await Promise.allSettled(results)) assert.equal(result.status, "rejected");
    const large = Array.from({ length: 21 }, () => proposals.add(new Uint8Array(PROPOSAL_BYTES_MAX), {}));
    await assert.rejects(proposals.add(new Uint8Array(PROPOSAL_BYTES_MAX), {}), { kind: "unavailable" });
    proposals.stop(new OperationError("unavailable", "stopping"));
    await Promise.allSettled(large);
  });
});
