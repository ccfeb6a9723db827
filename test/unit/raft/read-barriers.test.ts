import assert from "node:assert/strict";
import { OperationError } from "../../../src/lib/errors.ts";
import { ReadBarriers } from "../../../src/raft/read-barriers.ts";

function setUp(timeoutTicks = 20): {
  readonly barriers: ReadBarriers;
  readonly asked: number[];
  readonly outcome: (wait: Promise<void>) => () => string;
} {
  const asked: number[] = [];
  const barriers = new ReadBarriers({ ask: id => asked.push(id), firstRequestId: 100, timeoutTicks });
  const outcome = (wait: Promise<void>) => {
    let now = "waiting";
    wait.then(
      () => (now = "done"),
      (error: unknown) => (now = error instanceof Error ? error.message : "?"),
    );
    return () => now;
  };
  return { barriers, asked, outcome };
}
const settle = () => new Promise(resolve => setImmediate(resolve));

describe("ReadBarriers", () => {
  it("share one request when they come together, and the next one when they come while it is under way", async () => {
    const { barriers, asked, outcome } = setUp();
    const first = [barriers.wait({}), barriers.wait({})];
    await settle();
    const second = [barriers.wait({})];
    await settle();
    second.push(barriers.wait({}));
    const now = outcome(Promise.all(second).then(() => undefined));
    await settle();
    assert.deepEqual(asked, [100]);
    barriers.answered(100, 5);
    barriers.appliedTo(5);
    await Promise.all(first);
    await settle();
    assert.deepEqual([asked, now()], [[100, 101], "waiting"]);
    barriers.answered(101, 5);
    barriers.appliedTo(5);
    await settle();
    assert.equal(now(), "done");
  });

  it("wait for no request that is not answered in time", async () => {
    const { barriers, asked } = setUp();
    const slow = barriers.wait({});
    await settle();
    const next = barriers.wait({});
    for (let tick = 0; tick < 5; tick++) barriers.tick({ hasLeader: true });
    assert.deepEqual(asked, [100, 101, 102], "the first again, and the next");
    barriers.answered(102, 3);
    barriers.appliedTo(3);
    await next;
    barriers.answered(100, 3);
    barriers.appliedTo(3);
    await slow;
  });

  it("ask for nobody who has given up, and for the next at once", async () => {
    const { barriers, asked } = setUp();
    const controller = new AbortController();
    const given = barriers.wait({ signal: controller.signal });
    await settle();
    const next = barriers.wait({});
    controller.abort(new Error("enough"));
    await assert.rejects(given, /enough/);
    barriers.tick({ hasLeader: true });
    assert.deepEqual(asked, [100, 101]);
    barriers.answered(101, 1);
    barriers.appliedTo(1);
    await next;
  });

  it("resolve only when the local state has got as far as the leader said", async () => {
    const { barriers, outcome } = setUp();
    const now = outcome(barriers.wait({}));
    await settle();
    barriers.appliedTo(9);
    await settle();
    assert.equal(now(), "waiting");
    barriers.answered(100, 10);
    barriers.appliedTo(9);
    await settle();
    assert.equal(now(), "waiting");
    barriers.appliedTo(10);
    await settle();
    assert.equal(now(), "done");
  });

  it("ask again when no answer comes, then after twice as long", async () => {
    const { barriers, asked, outcome } = setUp(50);
    const now = outcome(barriers.wait({}));
    await settle();
    const askedAfter: number[] = [];
    for (let tick = 1; tick <= 45; tick++) {
      barriers.tick({ hasLeader: true });
      if (asked.length > askedAfter.length + 1) askedAfter.push(tick);
    }
    assert.deepEqual(askedAfter, [5, 10, 20, 40]);
    barriers.answered(104, 1);
    for (let tick = 0; tick < 4; tick++) barriers.tick({ hasLeader: true }); // Answered: only the local state is waited for.
    assert.equal(asked.length, 5);
    barriers.appliedTo(1);
    await settle();
    assert.equal(now(), "done");
  });

  it("take a late answer, to whichever of their requests", async () => {
    for (const requestId of [100, 101]) {
      const { barriers, asked, outcome } = setUp();
      const now = outcome(barriers.wait({}));
      await settle();
      for (let tick = 0; tick < 5; tick++) barriers.tick({ hasLeader: true });
      assert.deepEqual(asked, [100, 101]);
      barriers.answered(requestId, 3);
      barriers.answered(201 - requestId, 9); // One is enough: there is no reason to wait for more.
      barriers.appliedTo(3);
      await settle();
      assert.equal(now(), "done");
    }
  });

  it("give up in Docker's words after the time-out", async () => {
    const { barriers, asked, outcome } = setUp(7);
    const now = outcome(barriers.wait({}));
    await settle();
    for (let tick = 0; tick < 6; tick++) barriers.tick({ hasLeader: true });
    await settle();
    assert.equal(now(), "waiting");
    barriers.tick({ hasLeader: true });
    await settle();
    assert.match(now(), /^The swarm does not have a leader\./);
    for (let tick = 0; tick < 20; tick++) barriers.tick({ hasLeader: true });
    assert.equal(asked.length, 2);
  });

  it("give up soon where nobody leads, unless the leader has answered already", async () => {
    const { barriers, outcome } = setUp(50);
    const [answered, unanswered] = [outcome(barriers.wait({})), await settle().then(() => outcome(barriers.wait({})))];
    await settle();
    barriers.answered(100, 3);
    for (let tick = 0; tick < 4; tick++) barriers.tick({ hasLeader: false });
    await settle();
    assert.deepEqual([answered(), unanswered()], ["waiting", "waiting"]);
    barriers.tick({ hasLeader: false });
    await settle();
    assert.equal(answered(), "waiting");
    assert.match(unanswered(), /^The swarm does not have a leader\./);
  });

  it("give up alike while they wait for a request that is under way", async () => {
    const { barriers, asked, outcome } = setUp(50);
    const first = outcome(barriers.wait({}));
    await settle();
    const next = outcome(barriers.wait({}));
    await settle();
    for (let tick = 0; tick < 5; tick++) barriers.tick({ hasLeader: false });
    await settle();
    for (const now of [first, next]) assert.match(now(), /^The swarm does not have a leader\./);
    assert.deepEqual(asked, [100]);
  });

  it("ask nothing for a caller who has given up before", async () => {
    const { barriers, asked } = setUp();
    await assert.rejects(barriers.wait({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
    await settle();
    assert.deepEqual(asked, []);
  });

  it("end for a caller that gives up, and for all when the manager stops", async () => {
    const { barriers, asked } = setUp();
    const controller = new AbortController();
    const given = barriers.wait({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(given, /enough/);
    await settle();
    assert.deepEqual(asked, []);
    const sent = barriers.wait({});
    await settle();
    const unsent = barriers.wait({});
    barriers.stop(new OperationError("unavailable", "stopping"));
    await assert.rejects(sent, /stopping/);
    await assert.rejects(unsent, /stopping/);
  });
});
