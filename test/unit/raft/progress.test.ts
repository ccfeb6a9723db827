import assert from "node:assert/strict";
import { Progress } from "../../../src/raft/progress.ts";

const limits = { inflightMessagesMax: 2, inflightBytesMax: 100 };
const view = ({ state, match, next, isPaused }: Progress) => ({ state, match, next, isPaused });

describe("Progress", () => {
  it("probes with one message at a time", () => {
    const progress = new Progress(5, limits);
    assert.deepEqual(view(progress), { state: "probe", match: 0, next: 5, isPaused: false });
    progress.sent(3, 30);
    assert.deepEqual(view(progress), { state: "probe", match: 0, next: 5, isPaused: true });
    progress.resumeProbe();
    assert.equal(progress.isPaused, false);
  });

  it("has news of a commit only for a member that was sent entries past the commit it knows", () => {
    const progress = new Progress(5, limits);
    progress.becomeReplicate();
    progress.accepted(4);
    progress.sentCommit = 4;
    assert.equal(progress.isCommitNews(6), false);
    progress.sent(1, 10);
    assert.deepEqual([progress.isCommitNews(4), progress.isCommitNews(5)], [false, true]);
  });

  it("sends ahead once it replicates, until the window is full of messages", () => {
    const progress = new Progress(5, limits);
    assert.equal(progress.accepted(4), true);
    progress.becomeReplicate();
    progress.sent(3, 10);
    assert.deepEqual(view(progress), { state: "replicate", match: 4, next: 8, isPaused: false });
    progress.sent(1, 10);
    assert.deepEqual([progress.next, progress.isPaused, progress.isWindowFull], [9, true, true]);
    assert.equal(progress.accepted(6), true); // Within the first message: it is not answered whole.
    assert.equal(progress.isPaused, true);
    progress.accepted(7);
    assert.equal(progress.isPaused, false);
    assert.equal(progress.accepted(7), false);
  });

  it("counts the window in bytes too, and forgets them when answered", () => {
    const progress = new Progress(1, limits);
    progress.becomeReplicate();
    progress.sent(1, 99);
    assert.equal(progress.isPaused, false);
    progress.accepted(1);
    progress.sent(1, 100);
    assert.equal(progress.isPaused, true);
    progress.accepted(2);
    assert.equal(progress.isPaused, false);
  });

  it("forgets the size of just the messages that were answered", () => {
    const progress = new Progress(1, { inflightMessagesMax: 10, inflightBytesMax: 100 });
    progress.becomeReplicate();
    for (const size of [60, 10, 20]) progress.sent(1, size);
    progress.accepted(1);
    progress.accepted(2);
    progress.sent(1, 79);
    assert.equal(progress.isWindowFull, false);
    progress.sent(1, 1);
    assert.equal(progress.isWindowFull, true);
    progress.accepted(5);
    progress.sent(1, 99);
    assert.equal(progress.isWindowFull, false);
  });

  it("does not count messages without entries", () => {
    const progress = new Progress(1, limits);
    progress.becomeReplicate();
    for (let time = 0; time < 5; time++) progress.sent(0, 0);
    assert.deepEqual(view(progress), { state: "replicate", match: 0, next: 1, isPaused: false });
  });

  const refusals = [
    { when: "the probe is refused, with a hint far back", next: 10, match: 0, rejected: 9, hint: 3, isNews: true, after: 4 },
    { when: "the hint is the entry before", next: 10, match: 0, rejected: 9, hint: 8, isNews: true, after: 9 },
    { when: "the hint does not help", next: 10, match: 0, rejected: 9, hint: 20, isNews: true, after: 9 },
    { when: "the answer is to an older probe", next: 10, match: 0, rejected: 7, hint: 3, isNews: false, after: 10 },
    { when: "the hint is before what is known to match", next: 10, match: 6, rejected: 9, hint: 2, isNews: true, after: 7 },
    { when: "the log is empty", next: 2, match: 0, rejected: 1, hint: 0, isNews: true, after: 1 },
  ];
  for (const { when, next, match, rejected, hint, isNews, after } of refusals) {
    it(`goes on at ${after} when ${when}`, () => {
      const progress = new Progress(next, limits);
      progress.match = match;
      progress.sent(1, 1);
      assert.equal(progress.refused(rejected, hint), isNews);
      assert.deepEqual([progress.next, progress.isPaused], [after, !isNews]);
    });
  }

  it("probes again behind what matches when a message went missing", () => {
    const progress = new Progress(5, limits);
    progress.accepted(4);
    progress.becomeReplicate();
    progress.sent(4, 10);
    assert.equal(progress.refused(4, 2), false); // Stale: 4 is known to match.
    assert.equal(progress.refused(8, 4), true);
    assert.deepEqual(view(progress), { state: "probe", match: 4, next: 5, isPaused: false });
  });

  it("sends nothing beside a snapshot and goes on behind it", () => {
    const progress = new Progress(1, limits);
    progress.sent(1, 1);
    progress.becomeSnapshot(40);
    assert.deepEqual([progress.state, progress.isPaused, progress.pendingSnapshot], ["snapshot", true, 40]);
    assert.equal(progress.refused(0, 0), false);
    progress.becomeProbe();
    assert.deepEqual([progress.state, progress.next, progress.isPaused, progress.pendingSnapshot], ["probe", 41, false, 0]);
  });

  it("is probed where it was when the snapshot did not arrive", () => {
    const progress = new Progress(7, limits);
    progress.match = 3;
    progress.becomeSnapshot(40);
    progress.abandonSnapshot();
    assert.deepEqual(view(progress), { state: "probe", match: 3, next: 4, isPaused: false });
    assert.throws(() => progress.abandonSnapshot(), /no snapshot/);
  });

  it("empties the window when it changes state", () => {
    const progress = new Progress(1, limits);
    progress.becomeReplicate();
    progress.sent(1, 10);
    progress.sent(1, 10);
    progress.becomeProbe();
    progress.becomeReplicate();
    assert.deepEqual(view(progress), { state: "replicate", match: 0, next: 1, isPaused: false });
  });
});
