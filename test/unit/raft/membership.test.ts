import assert from "node:assert/strict";
import { changeMembers, type MembershipChange, MembershipHistory } from "../../../src/raft/membership.ts";
import { membersOf } from "./cores.ts";

const short = (members: ReturnType<typeof changeMembers>) =>
  typeof members === "string"
    ? members
    : members.map(({ raftId, isLearner, address }) => `${raftId}${isLearner ? " learns" : ""} at ${address}`);
const voter = (raftId: number): MembershipChange => ({ kind: "add-voter", raftId, address: `m${raftId}` });
const learner = (raftId: number): MembershipChange => ({ kind: "add-learner", raftId, address: `m${raftId}` });
const remove = (raftId: number): MembershipChange => ({ kind: "remove", raftId });
const now = ["1 at m1", "2 at m2", "3 learns at m3"];

describe("changeMembers", () => {
  const cases: readonly { readonly change: MembershipChange; readonly result: readonly string[] | string }[] = [
    {
      change: { kind: "add-learner", raftId: 4, address: "m4" },
      result: ["1 at m1", "2 at m2", "3 learns at m3", "4 learns at m4"],
    },
    { change: learner(3), result: now },
    { change: learner(2), result: ["1 at m1", "2 learns at m2", "3 learns at m3"] },
    { change: voter(4), result: ["1 at m1", "2 at m2", "3 learns at m3", "4 at m4"] },
    { change: voter(3), result: ["1 at m1", "2 at m2", "3 at m3"] },
    { change: voter(0), result: now },
    { change: { kind: "promote", raftId: 3 }, result: ["1 at m1", "2 at m2", "3 at m3"] },
    { change: { kind: "promote", raftId: 2 }, result: "only a learner can be promoted" },
    { change: { kind: "promote", raftId: 9 }, result: "only a learner can be promoted" },
    { change: { kind: "move", raftId: 2, address: "new" }, result: ["1 at m1", "2 at new", "3 learns at m3"] },
    { change: { kind: "move", raftId: 9, address: "new" }, result: now },
    { change: remove(2), result: ["1 at m1", "3 learns at m3"] },
    { change: remove(9), result: now },
  ];
  for (const { change, result } of cases) {
    it(`${typeof result === "string" ? "refuses" : "allows"} to ${change.kind} ${change.raftId}`, () => {
      assert.deepEqual(short(changeMembers(membersOf([1, 2], [3]), [change])), result);
    });
  }

  it("keeps the last voter", () => {
    for (const change of [remove(1), learner(1)]) {
      assert.equal(changeMembers(membersOf([1], [2]), [change]), "no voter is left");
    }
    assert.deepEqual(short(changeMembers(membersOf([1], [2]), [remove(2)])), ["1 at m1"]);
  });
});

describe("several changes made as one", () => {
  const tooMany = "more than one voter comes or goes";
  const cases = [
    { changes: [voter(3), voter(4)], result: tooMany },
    { changes: [remove(1), voter(3)], result: tooMany },
    { changes: [remove(1), remove(2)], result: "no voter is left" },
    { changes: [learner(4), learner(5), remove(2)], result: ["1 at m1", "3 learns at m3", "4 learns at m4", "5 learns at m5"] },
    { changes: [learner(1), voter(1)], result: now },
  ];
  for (const { changes, result } of cases) {
    const what = changes.map(({ kind, raftId }) => `${kind} ${raftId}`).join(", ");
    it(`give ${typeof result === "string" ? result : `${result.length} members`}: ${what}`, () => {
      assert.deepEqual(short(changeMembers(membersOf([1, 2], [3]), changes)), result);
    });
  }
});

describe("MembershipHistory", () => {
  it("adopts one list after the other", () => {
    const history = new MembershipHistory(0, membersOf([1]));
    history.push(5, membersOf([1], [2]));
    history.push(8, membersOf([1, 2]));
    assert.deepEqual([history.index, history.voters, history.isVoter(2)], [8, [1, 2], true]);
    assert.throws(() => history.push(8, membersOf([1])), /comes after/);
  });

  it("tells the list that held at an entry, as far back as it was not compacted", () => {
    const history = new MembershipHistory(0, membersOf([1]));
    history.push(5, membersOf([1, 2]));
    history.push(8, membersOf([1, 2, 3]));
    assert.deepEqual(
      [4, 5, 7, 8, 99].map(index => history.at(index).length),
      [1, 2, 2, 3, 3],
    );
    history.compactTo(7);
    assert.throws(() => history.at(4), /missing/);
    assert.deepEqual(
      [5, 8].map(index => history.at(index).length),
      [2, 3],
    );
    history.restore(20, membersOf([7]));
    assert.deepEqual([history.index, history.voters], [20, [7]]);
  });
});
