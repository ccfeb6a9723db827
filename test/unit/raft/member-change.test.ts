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
  it("holds on the leader once it is committed and about to be applied", () => {
    const leader = settledLeader();
    assert.deepEqual(leader.proposeMembership({ kind: "add-learner", raftId: 4, address: "m4" }), {
      kind: "accepted",
      index: 2,
      term: 1,
    });
    assert.deepEqual([leader.members, leader.lagOf(4)], [membersOf([1, 2, 3]), undefined]);
    assert.equal(leader.isMembershipPending, true);
    drain(leader);
    accept(leader, 2, 2);
    drain(leader);
    assert.deepEqual([leader.members, leader.lagOf(4)], [membersOf([1, 2, 3], [4]), undefined], "it has not answered");
    assert.equal(leader.isMembershipPending, false);
    accept(leader, 4, 1);
    assert.equal(leader.lagOf(4), 1);
  });

  it("makes the leader turn to a new member at once, with the last entry", () => {
    const leader = settledLeader();
    leader.proposeMembership({ kind: "add-learner", raftId: 4, address: "m4" });
    drain(leader);
    accept(leader, 2, 2);
    const [told] = drain(leader).messages.filter(({ to }) => to === 4);
    assert.deepEqual(told?.kind === "append-request" && [told.prevIndex, told.entries.length], [1, 1]);
  });

  it("waits for the one before", () => {
    const leader = settledLeader();
    leader.proposeMembership({ kind: "add-learner", raftId: 4, address: "m4" });
    assert.deepEqual(leader.proposeMembership({ kind: "promote", raftId: 4 }), { kind: "change-pending" });
    drain(leader);
    accept(leader, 2, 2);
    assert.deepEqual(leader.proposeMembership({ kind: "promote", raftId: 4 }), { kind: "change-pending" }); // Committed, not applied.
    drain(leader);
    assert.equal(leader.proposeMembership({ kind: "promote", raftId: 4 }).kind, "accepted");
  });

  it("waits until all that the leader found in its log is applied: it may hold another leader's change", () => {
    const leader = aLeader({ terms: [1] });
    drain(leader);
    assert.deepEqual(leader.proposeMembership({ kind: "remove", raftId: 3 }), { kind: "change-pending" });
    accept(leader, 2, 2);
    drain(leader);
    assert.equal(leader.proposeMembership({ kind: "remove", raftId: 3 }).kind, "accepted");
    assert.equal(aLeader().proposeMembership({ kind: "remove", raftId: 3 }).kind, "accepted"); // There was nothing.
  });

  it("is the leader's alone and must make sense", () => {
    assert.deepEqual(aCore().proposeMembership({ kind: "remove", raftId: 3 }), { kind: "not-leader" });
    assert.deepEqual(settledLeader().proposeMembership({ kind: "promote", raftId: 3 }), { kind: "invalid-change" });
    const voter = (raftId: number) => ({ kind: "add-voter", raftId, address: `m${raftId}` }) as const;
    assert.deepEqual(settledLeader().proposeMembership(voter(4), voter(5)), { kind: "invalid-change" });
  });

  it("needs the majority before it, and what follows needs the new one", () => {
    const leader = settledLeader({ learners: [4] });
    leader.proposeMembership({ kind: "promote", raftId: 4 });
    drain(leader);
    accept(leader, 2, 2); // Two of three.
    drain(leader);
    assert.deepEqual([leader.commitIndex, leader.members], [2, membersOf([1, 2, 3, 4])]);
    leader.propose(Buffer.from("a"));
    drain(leader);
    accept(leader, 2, 3);
    assert.equal(leader.commitIndex, 2); // Two of four.
    accept(leader, 4, 3);
    assert.equal(leader.commitIndex, 3);
  });

  it("lets a smaller majority commit what waited for the larger one", () => {
    const leader = settledLeader({ voters: [1, 2, 3, 4] });
    accept(leader, 4, 1);
    leader.proposeMembership({ kind: "remove", raftId: 4 });
    leader.propose(Buffer.from("a"));
    drain(leader);
    accept(leader, 2, 3);
    accept(leader, 3, 2);
    assert.equal(leader.commitIndex, 2); // Of entry 3 there are two of four.
    drain(leader);
    assert.equal(leader.commitIndex, 3);
  });

  it("holds on a follower once it is committed there, and never goes back", () => {
    const core = aCore({ term: 1 });
    const append = { kind: "append-request", from: 2, to: 1, prevIndex: 0, prevTerm: 0, commit: 0 } as const;
    core.step({ ...append, term: 1, entries: [membershipEntry(1, 1, membersOf([1, 2, 3, 4]))] });
    drain(core);
    assert.deepEqual(core.members, membersOf([1, 2, 3]));
    core.step({ ...append, from: 3, term: 2, entries: [membershipEntry(1, 2, membersOf([1, 2]))] });
    core.step({ ...append, from: 3, term: 2, prevIndex: 1, prevTerm: 2, commit: 1, entries: [] });
    drain(core);
    assert.deepEqual(core.members, membersOf([1, 2]));
  });

  it("keeps a manager from asking for votes while it is committed and not in force here", () => {
    const core = aCore({ term: 1 });
    const entries = [membershipEntry(1, 1, membersOf([1, 2, 3, 4]))];
    core.step({ kind: "append-request", from: 2, to: 1, term: 1, prevIndex: 0, prevTerm: 0, commit: 1, entries });
    ticks(core, ELECTION_TICKS);
    assert.equal(core.role, "follower");
    drain(core);
    ticks(core, ELECTION_TICKS);
    assert.equal(core.role, "pre-candidate");
    const asked = drain(core).messages.filter(({ kind }) => kind === "pre-vote-request");
    assert.deepEqual(
      asked.map(({ to }) => to),
      [2, 3, 4],
    );
  });

  it("is known again after a restart, as far as it was committed", () => {
    const members = membersOf([1, 2, 3, 4]);
    const restarted = (commit: number) =>
      new RaftCore({
        raftId: 1,
        hardState: { term: 2, vote: 0, commit },
        snapshot: { index: 1, term: 1, members: membersOf([1, 2, 3]) },
        baseIndex: 0,
        baseTerm: 0,
        entries: [membershipEntry(1, 1, membersOf([1, 2, 3])), ...entriesOf([1], 2), membershipEntry(3, 2, members)],
        times: { electionTicks: ELECTION_TICKS, heartbeatTicks: 1 },
        limits: { messageBytesMax: 100, inflightMessagesMax: 2, inflightBytesMax: 100 },
        randomUint32: () => 0,
      });
    const core = restarted(3);
    assert.deepEqual([core.members, core.membersAt(2)], [members, membersOf([1, 2, 3])]);
    drain(core); // Applies the entry again.
    assert.deepEqual(core.members, members);
    assert.deepEqual([restarted(0).members, restarted(0).commitIndex], [membersOf([1, 2, 3]), 1]);
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

  it("is told to a member that it removes, to which nothing more is sent then", () => {
    const leader = settledLeader();
    leader.proposeMembership({ kind: "remove", raftId: 3 });
    drain(leader);
    accept(leader, 2, 2);
    const told = drain(leader).messages.filter(message => message.kind === "append-request" && message.to === 3);
    assert.deepEqual(
      told.map(message => message.kind === "append-request" && message.commit),
      [2],
    );
    leader.tick();
    assert.deepEqual(brief(leader.takeMessages()), ["heartbeat to 2"]);
    assert.equal(leader.lagOf(3), undefined);
  });

  it("is given to a leader that removed itself to carry through, and ends its office", () => {
    const leader = settledLeader();
    leader.proposeMembership({ kind: "remove", raftId: 1 });
    drain(leader);
    assert.equal(leader.role, "leader");
    accept(leader, 2, 2);
    const told = drain(leader).messages.filter(message => message.kind === "append-request");
    assert.deepEqual([leader.role, leader.commitIndex], ["follower", 2]);
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
