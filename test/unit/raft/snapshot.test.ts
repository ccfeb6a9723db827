import assert from "node:assert/strict";
import type { RaftCore } from "../../../src/raft/core.ts";
import type { SnapshotMeta } from "../../../src/raft/types.ts";
import { accept, aCore, aLeader, brief, drain, entriesOf, membersOf } from "./cores.ts";

const meta: SnapshotMeta = { index: 5, term: 2, members: membersOf([1, 2, 3, 4]) };
const install = (core: RaftCore, over: Partial<SnapshotMeta> = {}, term = 3) =>
  core.step({ kind: "install-snapshot", from: 2, to: 1, term, meta: { ...meta, ...over } });

/** A leader whose log begins after entry 4, with a snapshot up to 5; 2 holds everything, 3 nothing yet. */
function compactedLeader(): RaftCore {
  const leader = aLeader();
  for (let at = 0; at < 4; at++) leader.propose(Buffer.from("a"));
  drain(leader);
  accept(leader, 2, 5);
  drain(leader);
  leader.snapshotTaken({ index: 5, term: 1, members: membersOf([1, 2, 3]) }, { compactTo: 4 });
  return leader;
}
const refuse = (leader: RaftCore) =>
  leader.step({ kind: "append-response", from: 3, to: 1, term: 1, index: 0, isRejected: true, hintIndex: 0, hintTerm: 0 });
const beat = (leader: RaftCore) => leader.step({ kind: "heartbeat-response", from: 3, to: 1, term: 1, readRound: 0 });

describe("a snapshot from the leader (7)", () => {
  it("takes the place of a log that is behind", () => {
    const core = aCore({ terms: [1, 1], term: 3 });
    install(core);
    const ready = core.takeReady({ committedMax: 10 }) ?? assert.fail();
    assert.deepEqual([ready.snapshot, ready.entries, ready.committed], [meta, [], []]);
    assert.deepEqual(ready.hardState, { term: 3, vote: 0, commit: 5 });
    assert.deepEqual(
      ready.messages.map(message => message.kind === "append-response" && [message.index, message.isRejected]),
      [[5, false]],
    );
    const { log } = core.inspected;
    assert.deepEqual([log.baseIndex, log.lastIndex, log.lastTerm, core.commitIndex, core.members], [5, 5, 2, 5, meta.members]);
    core.persisted(ready);
    assert.equal(core.takeReady({ committedMax: 10 }), undefined);
  });

  it("hands on the entries that follow it, to be applied after it", () => {
    const core = aCore({ term: 3 });
    install(core);
    core.step({
      kind: "append-request",
      from: 2,
      to: 1,
      term: 3,
      prevIndex: 5,
      prevTerm: 2,
      commit: 6,
      entries: entriesOf([3], 6),
    });
    const ready = core.takeReady({ committedMax: 10 }) ?? assert.fail();
    assert.deepEqual([ready.snapshot?.index, ready.entries.length, ready.committed.length], [5, 1, 0]);
    core.persisted(ready);
    assert.deepEqual(
      drain(core).committed.map(entry => entry.index),
      [6],
    );
  });

  it("is not restored when everything in it is committed here", () => {
    const core = aCore({ terms: [1, 1, 1, 1, 2, 2], commit: 5, term: 3 });
    install(core);
    assert.equal(core.inspected.log.lastIndex, 6);
    const { messages } = drain(core);
    assert.deepEqual(
      messages.map(message => message.kind === "append-response" && message.index),
      [5],
    );
  });

  it("only moves the commit index where the log holds its last entry", () => {
    const core = aCore({ terms: [1, 1, 1, 1, 2, 2], commit: 1, term: 3 });
    install(core);
    assert.deepEqual([core.commitIndex, core.inspected.log.lastIndex, core.inspected.log.baseIndex], [5, 6, 0]);
    const ready = core.takeReady({ committedMax: 9 });
    assert.equal(ready?.snapshot, undefined);
    assert.deepEqual(
      ready?.messages.map(message => message.kind === "append-response" && message.index),
      [5],
    );
  });

  it("replaces a log that went another way", () => {
    const core = aCore({ terms: [1, 1, 1, 1, 1, 1], commit: 1, term: 3 });
    install(core);
    assert.deepEqual([core.inspected.log.baseIndex, core.inspected.log.lastIndex, core.inspected.log.lastTerm], [5, 5, 2]);
  });

  it("of an older term is not taken", () => {
    const core = aCore({ term: 9 });
    install(core);
    assert.deepEqual([core.commitIndex, drain(core).messages], [0, []]);
  });
});

describe("a leader whose log is compacted", () => {
  it("sends its snapshot to a member that needs older entries, and nothing beside it", () => {
    const leader = compactedLeader();
    refuse(leader);
    assert.deepEqual(brief(leader.takeMessages()), []);
    assert.deepEqual(leader.takeSnapshotSends(), [{ to: 3, index: 5 }]);
    leader.propose(Buffer.from("b"));
    beat(leader);
    assert.deepEqual(brief(leader.takeMessages()), ["append-request to 2"]);
    assert.deepEqual(leader.takeSnapshotSends(), []);
  });

  it("goes on behind the snapshot when it was sent", () => {
    const leader = compactedLeader();
    refuse(leader);
    leader.takeMessages();
    leader.propose(Buffer.from("b"));
    leader.snapshotSent(3, { isOk: true });
    const [sent] = leader.takeMessages().filter(message => message.to === 3);
    assert.deepEqual(sent?.kind === "append-request" && [sent.prevIndex, sent.entries.length], [5, 1]);
  });

  it("sends it again when that failed", () => {
    const leader = compactedLeader();
    refuse(leader);
    leader.takeMessages();
    leader.takeSnapshotSends();
    leader.snapshotSent(3, { isOk: false });
    leader.takeMessages();
    assert.deepEqual(leader.takeSnapshotSends(), [{ to: 3, index: 5 }]);
  });

  it("replicates as soon as the member says that it holds the snapshot", () => {
    const leader = compactedLeader();
    refuse(leader);
    leader.takeMessages();
    accept(leader, 3, 4);
    assert.equal(leader.inspected.progressOf(3).state, "replicate");
    assert.deepEqual(brief(leader.takeMessages()), ["append-request to 3"]);
    leader.snapshotSent(3, { isOk: false });
    assert.equal(leader.inspected.progressOf(3).state, "replicate");
  });

  it("waits while the member holds less than the log's beginning", () => {
    const leader = compactedLeader();
    refuse(leader);
    leader.takeMessages();
    accept(leader, 3, 3);
    assert.equal(leader.inspected.progressOf(3).state, "snapshot");
  });

  it("sends it only to a member that is there", () => {
    const leader = compactedLeader();
    for (let tick = 0; tick < 10; tick++) leader.tick(); // 3 was not heard in this period.
    refuse(leader);
    leader.inspected.progressOf(3).isActive = false;
    leader.takeMessages();
    assert.deepEqual(leader.takeSnapshotSends(), []);
    beat(leader);
    leader.takeMessages();
    assert.deepEqual(leader.takeSnapshotSends(), [{ to: 3, index: 5 }]);
  });

  it("sends it where a full window is compacted away", () => {
    const leader = aLeader({ inflightMessagesMax: 1 });
    drain(leader);
    accept(leader, 3, 1);
    leader.propose(Buffer.from("lost"));
    drain(leader);
    leader.propose(Buffer.from("b"));
    drain(leader);
    accept(leader, 2, 1);
    drain(leader);
    accept(leader, 2, 2);
    drain(leader);
    accept(leader, 2, 3);
    drain(leader);
    leader.snapshotTaken({ index: 3, term: 1, members: membersOf([1, 2, 3]) }, { compactTo: 3 });
    beat(leader);
    leader.takeMessages();
    assert.deepEqual(leader.takeSnapshotSends(), [{ to: 3, index: 3 }]);
  });
});
