import assert from "node:assert/strict";
import type { RaftCore } from "../../../src/raft/core.ts";
import { PENDING_READS_MAX } from "../../../src/raft/read-index.ts";
import type { Message } from "../../../src/raft/types.ts";
import { accept, aCore, aLeader, CoreNetwork, drain } from "./cores.ts";

const rounds = (messages: readonly Message[]) =>
  messages.filter(message => message.kind === "heartbeat").map(message => [message.to, message.readRound]);
const confirm = (leader: RaftCore, from: number, readRound: number) =>
  leader.step({ kind: "heartbeat-response", from, to: leader.raftId, term: leader.term, readRound });

/** A leader of three that has committed its first entry. */
function settledLeader(): RaftCore {
  const leader = aLeader();
  drain(leader);
  accept(leader, 2, 1);
  accept(leader, 3, 1);
  drain(leader);
  return leader;
}

describe("a linearizable read (thesis 6.4)", () => {
  it("is answered once a majority confirmed, after it was asked, that the leader still leads", () => {
    const leader = settledLeader();
    assert.equal(leader.readIndex(41), true);
    assert.deepEqual(leader.takeReadStates(), []);
    assert.deepEqual(rounds(leader.takeMessages()), [
      [2, 1],
      [3, 1],
    ]);
    confirm(leader, 2, 0); // An answer to an older heartbeat.
    assert.deepEqual(leader.takeReadStates(), []);
    confirm(leader, 2, 1);
    assert.deepEqual(leader.takeReadStates(), [{ requestId: 41, index: 1 }]);
    confirm(leader, 3, 1);
    assert.deepEqual(leader.takeReadStates(), []);
  });

  it("needs a majority of five, not a member alone", () => {
    const leader = aLeader({ voters: [1, 2, 3, 4, 5], learners: [6] });
    drain(leader);
    for (const from of [2, 3]) accept(leader, from, 1);
    drain(leader);
    leader.readIndex(1);
    leader.takeMessages();
    confirm(leader, 2, 1);
    confirm(leader, 6, 1);
    assert.deepEqual(leader.takeReadStates(), []);
    confirm(leader, 3, 1);
    assert.deepEqual(leader.takeReadStates(), [{ requestId: 1, index: 1 }]);
  });

  it("shares a round with the reads before the next heartbeat, and only with those", () => {
    const leader = settledLeader();
    leader.readIndex(1);
    leader.readIndex(2);
    assert.deepEqual(rounds(leader.takeMessages()), [
      [2, 1],
      [3, 1],
    ]);
    leader.readIndex(3);
    confirm(leader, 2, 1);
    assert.deepEqual(
      leader.takeReadStates().map(read => read.requestId),
      [1, 2],
    );
    assert.deepEqual(rounds(leader.takeMessages()), [
      [2, 2],
      [3, 2],
    ]);
    confirm(leader, 3, 2);
    assert.deepEqual(
      leader.takeReadStates().map(read => read.requestId),
      [3],
    );
  });

  it("tells the commit index of the moment it was asked", () => {
    const leader = settledLeader();
    leader.readIndex(1);
    leader.propose(Buffer.from("later"));
    drain(leader);
    accept(leader, 2, 2);
    drain(leader);
    confirm(leader, 2, 1);
    assert.deepEqual(leader.takeReadStates(), [{ requestId: 1, index: 1 }]);
  });

  it("waits until the leader has committed in its term", () => {
    const leader = aLeader({ terms: [1], term: 1 });
    drain(leader);
    leader.readIndex(1);
    confirm(leader, 2, 1);
    assert.deepEqual([leader.takeReadStates(), rounds(leader.takeMessages())], [[], []]);
    accept(leader, 2, 2);
    leader.takeMessages();
    confirm(leader, 2, 1);
    assert.deepEqual(leader.takeReadStates(), [{ requestId: 1, index: 2 }]);
  });

  it("is answered at once where one voter is all there is", () => {
    const leader = aLeader({ voters: [1] });
    drain(leader);
    leader.readIndex(5);
    assert.deepEqual(leader.takeReadStates(), [{ requestId: 5, index: 1 }]);
  });

  it("goes through the leader when a follower asks", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    network.elect(2);
    const follower = network.core(1);
    assert.equal(follower.readIndex(77), true);
    const [request] = follower.takeMessages();
    assert.deepEqual(request, { kind: "read-request", from: 1, to: 2, term: 1, requestId: 77 });
    network.core(2).step(request ?? assert.fail());
    const answers: Message[] = [];
    network.isLost = message => {
      if (message.kind === "read-response") answers.push(message);
      return message.kind === "read-response";
    };
    network.settle();
    assert.deepEqual(answers, [{ kind: "read-response", from: 2, to: 1, term: 1, requestId: 77, index: 1 }]);
    follower.step(answers[0] ?? assert.fail());
    assert.deepEqual(follower.takeReadStates(), [{ requestId: 77, index: 1 }]);
  });

  it("cannot be asked without a leader, and is forgotten when leadership ends", () => {
    assert.equal(aCore().readIndex(1), false);
    const leader = settledLeader();
    leader.readIndex(1);
    leader.step({ kind: "heartbeat", from: 2, to: 1, term: 5, commit: 0, readRound: 0 });
    assert.equal(leader.inspected.reads.count, 0);
    leader.step({ kind: "read-request", from: 3, to: 1, term: 5, requestId: 4 });
    assert.equal(leader.inspected.reads.count, 0);
  });

  it("needs a round of this term, whatever was begun in an older one", () => {
    const leader = settledLeader();
    leader.readIndex(1); // Its heartbeats never leave.
    leader.step({ kind: "timeout-now", from: 2, to: 1, term: 1 });
    leader.step({ kind: "heartbeat", from: 2, to: 1, term: 2, commit: 0, readRound: 0 });
    leader.step({ kind: "timeout-now", from: 2, to: 1, term: 2 });
    drain(leader);
    leader.step({ kind: "vote-response", from: 3, to: 1, term: 3, isGranted: true });
    drain(leader);
    accept(leader, 2, leader.lastIndex);
    drain(leader);
    assert.equal(leader.role, "leader");
    leader.readIndex(2);
    assert.deepEqual(leader.takeReadStates(), []);
  });

  it("that came too early is forgotten too when leadership ends", () => {
    const leader = aLeader();
    assert.equal(leader.readIndex(1), true);
    assert.equal(leader.inspected.reads.count, 1);
    leader.step({ kind: "heartbeat", from: 2, to: 1, term: 5, commit: 0, readRound: 0 });
    assert.equal(leader.inspected.reads.count, 0);
  });

  it("is refused when too many wait", () => {
    const leader = settledLeader();
    for (let id = 1; id <= PENDING_READS_MAX; id++) assert.equal(leader.readIndex(id), true);
    assert.equal(leader.readIndex(0), false);
    assert.equal(leader.inspected.reads.count, PENDING_READS_MAX);
  });
});
