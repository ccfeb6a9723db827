import assert from "node:assert/strict";
import { accept, aCore, aLeader, brief, CoreNetwork, drain, ELECTION_TICKS, ticks } from "./cores.ts";

const isFor = (kind: string) => (text: string) => text.startsWith(kind);

describe("a leadership transfer (thesis 3.10)", () => {
  it("tells a voter that has everything to campaign at once", () => {
    const leader = aLeader();
    drain(leader);
    accept(leader, 2, 1);
    drain(leader);
    assert.equal(leader.transfer(2), true);
    assert.deepEqual(brief(leader.takeMessages()), ["timeout-now to 2"]);
    assert.equal(leader.transferTo, 2);
  });

  it("brings the successor up to date first", () => {
    const leader = aLeader();
    drain(leader);
    assert.equal(leader.transfer(2), true);
    assert.deepEqual(brief(leader.takeMessages()), []);
    accept(leader, 3, 1);
    assert.deepEqual(brief(leader.takeMessages()).filter(isFor("timeout")), []);
    accept(leader, 2, 1);
    assert.deepEqual(brief(leader.takeMessages()).filter(isFor("timeout")), ["timeout-now to 2"]);
  });

  it("tells a successor that lacks entries so at once, and once", () => {
    const leader = aLeader();
    drain(leader);
    accept(leader, 2, 1);
    leader.propose(Buffer.from("a"));
    drain(leader); // What was sent is lost.
    leader.transfer(2);
    assert.deepEqual(brief(leader.takeMessages()), ["append-request to 2"]);
    leader.transfer(2);
    assert.deepEqual(brief(leader.takeMessages()), []);
  });

  it("takes nothing new meanwhile, and gives up after an election timeout", () => {
    const leader = aLeader();
    drain(leader);
    accept(leader, 3, 1);
    ticks(leader, 5);
    leader.transfer(2);
    assert.deepEqual(leader.propose(Buffer.from("a")), { kind: "transferring" });
    assert.deepEqual(leader.proposeMembership({ kind: "remove", raftId: 3 }), { kind: "transferring" });
    ticks(leader, ELECTION_TICKS - 1);
    assert.equal(leader.transferTo, 2);
    leader.tick();
    assert.deepEqual([leader.role, leader.transferTo, leader.propose(Buffer.from("a")).kind], ["leader", 0, "accepted"]);
  });

  it("does not wait longer when it is asked for again", () => {
    const leader = aLeader();
    drain(leader);
    leader.transfer(2);
    ticks(leader, ELECTION_TICKS - 1);
    assert.equal(leader.transfer(2), true);
    leader.tick();
    assert.equal(leader.transferTo, 0);
  });

  const refused = [
    { who: "itself", to: 1 },
    { who: "a learner", to: 4 },
    { who: "a stranger", to: 9 },
  ];
  for (const { who, to } of refused) {
    it(`does not go to ${who}`, () => {
      const leader = aLeader({ learners: [4] });
      assert.deepEqual([leader.transfer(to), leader.transferTo], [false, 0]);
    });
  }

  it("is the leader's alone, and needs a second voter", () => {
    assert.equal(aCore().transfer(2), false);
    assert.equal(aLeader({ voters: [1], learners: [2] }).transfer(), false);
  });

  it("goes by itself to the voter with the longest log, of those heard lately", () => {
    const leader = aLeader({ voters: [1, 2, 3, 4], learners: [5] });
    drain(leader);
    leader.propose(Buffer.from("a"));
    drain(leader);
    accept(leader, 2, 1);
    accept(leader, 3, 2);
    accept(leader, 5, 2);
    leader.transfer();
    assert.equal(leader.transferTo, 3);
    ticks(leader, ELECTION_TICKS); // Everyone was heard in this period, and nobody yet in the next.
    accept(leader, 2, 1);
    leader.transfer();
    assert.equal(leader.transferTo, 2);
  });

  it("prefers whoever was heard lately, even with nothing in its log", () => {
    const leader = aLeader();
    leader.step({ kind: "heartbeat-response", from: 3, to: 1, term: 1, readRound: 0 });
    leader.transfer();
    assert.equal(leader.transferTo, 3);
  });

  it("skips the pre-vote and the voters' loyalty", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    network.elect(1);
    network.core(1).transfer(3);
    network.settle();
    assert.deepEqual([network.leaders(), network.core(3).term], [[3], 2]);
  });

  it("is over with the leader's term: in its next it takes proposals", () => {
    const network = new CoreNetwork([1, 2, 3].map(raftId => aCore({ raftId, draw: raftId })));
    network.elect(1).transfer(3);
    network.settle();
    network.core(3).transfer(1);
    network.settle();
    assert.deepEqual([network.leaders(), network.core(1).transferTo], [[1], 0]);
    assert.equal(network.core(1).propose(Buffer.from("a")).kind, "accepted");
  });
});
