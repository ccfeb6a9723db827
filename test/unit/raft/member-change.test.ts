import assert from "node:assert/strict";
import { RaftCore } from "../../../src/raft/core.ts";
import {
  accept,
  aCore,
  aLeader,
  brief,
  CoreNetwork,
  drain,
  ELECTION_TICKS,
  entriesOf,
  membershipEntry,
  membersOf,
  ticks,
} from "./cores.ts";

/** A leader of three that has committed its first entry. */
function settledLeader(setup: Parameters<typeof aLeader>[0] = {}): RaftCore {
  const leader = aLeader(setup);
  drain(leader);
  accept(leader, 2, leader.lastIndex);
  accept(leader, 3, leader.lastIndex);
  drain(leader);
  return leader;
}

describe("a change of the members (6, thesis 4)", () => {
  it("holds on the leader as soon as it is in the log", () => {
    const leader = settledLeader();
    assert.deepEqual(leader.proposeMembership({ kind: "add-learner", raftId: 4, address: "m4" }), {
      kind: "accepted",
      index: 2,
      term: 1,
    });
    assert.deepEqual(leader.members, membersOf([1, 2, 3], [4]));
    assert.equal(leader.lagOf(4), 2);
    assert.equal(leader.isMembershipCommitted, false);
  });

  it("waits for the one before", () => {
    const leader = settledLeader();
    leader.proposeMembership({ kind: "add-learner", raftId: 4, address: "m4" });
    assert.deepEqual(leader.proposeMembership({ kind: "promote", raftId: 4 }), { kind: "change-pending" });
    drain(leader);
    accept(leader, 2, 2);
    assert.equal(leader.isMembershipCommitted, true);
    assert.equal(leader.proposeMembership({ kind: "promote", raftId: 4 }).kind, "accepted");
  });

  it("waits until the leader has committed in its term", () => {
    const leader = aLeader();
    drain(leader);
    assert.deepEqual(leader.proposeMembership({ kind: "remove", raftId: 3 }), { kind: "change-pending" });
    accept(leader, 2, 1);
    assert.equal(leader.proposeMembership({ kind: "remove", raftId: 3 }).kind, "accepted");
  });

  it("is the leader's alone and must make sense", () => {
    assert.deepEqual(aCore().proposeMembership({ kind: "remove", raftId: 3 }), { kind: "not-leader" });
    assert.deepEqual(settledLeader().proposeMembership({ kind: "promote", raftId: 3 }), { kind: "invalid-change" });
  });

  it("needs the new majority", () => {
    const leader = settledLeader({ learners: [4] });
    leader.proposeMembership({ kind: "promote", raftId: 4 });
    drain(leader);
    accept(leader, 2, 2);
    assert.equal(leader.isMembershipCommitted, false); // Two of four.
    accept(leader, 4, 2);
    assert.equal(leader.isMembershipCommitted, true);
  });

  it("holds on a follower as soon as it is in the log, and no longer than that", () => {
    const core = aCore({ term: 1 });
    const append = { kind: "append-request", to: 1, prevIndex: 0, prevTerm: 0, commit: 0 } as const;
    core.step({ ...append, from: 2, term: 1, entries: [membershipEntry(1, 1, membersOf([1, 2, 3, 4]))] });
    assert.deepEqual(core.members, membersOf([1, 2, 3, 4]));
    core.step({ ...append, from: 3, term: 2, entries: entriesOf([2]) });
    assert.deepEqual(core.members, membersOf([1, 2, 3]));
  });

  it("is known again after a restart", () => {
    const members = membersOf([1, 2, 3, 4]);
    const core = new RaftCore({
      raftId: 1,
      hardState: { term: 2, vote: 0, commit: 0 },
      snapshot: { index: 1, term: 1, members: membersOf([1, 2, 3]) },
      baseIndex: 0,
      baseTerm: 0,
      entries: [membershipEntry(1, 1, membersOf([1, 2, 3])), ...entriesOf([1], 2), membershipEntry(3, 2, members)],
      times: { electionTicks: ELECTION_TICKS, heartbeatTicks: 1 },
      limits: { messageBytesMax: 100, inflightMessagesMax: 2, inflightBytesMax: 100 },
      randomUint32: () => 0,
    });
    assert.deepEqual([core.members, core.membersAt(2), core.isMembershipCommitted], [members, membersOf([1, 2, 3]), false]);
    assert.equal(core.commitIndex, 1);
  });

  it("brings in a new manager that knows nobody", () => {
    const network = new CoreNetwork([aCore({ raftId: 1, voters: [1] }), aCore({ raftId: 2, voters: [] })]);
    const leader = network.elect(1);
    leader.proposeMembership({ kind: "add-learner", raftId: 2, address: "m2" });
    network.tick(3);
    assert.equal(leader.lagOf(2), 0);
    leader.proposeMembership({ kind: "promote", raftId: 2 });
    network.tick(2);
    assert.deepEqual(network.core(2).members, membersOf([1, 2]));
    assert.equal(network.core(2).commitIndex, 3);
  });

  it("sends nothing more to a member that was removed", () => {
    const leader = settledLeader();
    leader.proposeMembership({ kind: "remove", raftId: 3 });
    leader.tick();
    assert.deepEqual(brief(leader.takeMessages()), ["append-request to 2", "heartbeat to 2"]);
    assert.equal(leader.lagOf(3), undefined);
  });

  it("lets a leader that removed itself lead until that is committed, without its own vote", () => {
    const leader = settledLeader();
    leader.proposeMembership({ kind: "remove", raftId: 1 });
    drain(leader);
    assert.equal(leader.role, "leader");
    accept(leader, 2, 2);
    assert.equal(leader.role, "leader"); // One of two.
    accept(leader, 3, 2);
    assert.deepEqual([leader.role, leader.commitIndex], ["follower", 2]);
    const told = leader.takeMessages().filter(message => message.kind === "append-request");
    assert.deepEqual(
      told.map(message => [message.to, message.commit]),
      [
        [2, 2],
        [3, 2],
      ],
    );
    ticks(leader, 50);
    assert.equal(leader.role, "follower");
  });

  it("keeps a removed manager from winning or disturbing", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    const leader = network.elect(1);
    leader.proposeMembership({ kind: "remove", raftId: 3 });
    network.tick(60);
    assert.deepEqual([network.leaders(), leader.term, network.core(2).leaderId], [[1], 1, 1]);
  });
});
