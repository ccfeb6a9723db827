import assert from "node:assert/strict";
import { changeMembers, type MembershipChange, MembershipHistory } from "../../../src/raft/membership.ts";
import { membersOf } from "./cores.ts";

const short = (members: ReturnType<typeof changeMembers>) =>
  members?.map(({ raftId, isLearner, address }) => `${raftId}${isLearner ? " learns" : ""} at ${address}`);

describe("changeMembers", () => {
  const cases: readonly { readonly change: MembershipChange; readonly result: readonly string[] | undefined }[] = [
    {
      change: { kind: "add-learner", raftId: 4, address: "m4" },
      result: ["1 at m1", "2 at m2", "3 learns at m3", "4 learns at m4"],
    },
    { change: { kind: "add-learner", raftId: 3, address: "m3" }, result: undefined },
    { change: { kind: "promote", raftId: 3 }, result: ["1 at m1", "2 at m2", "3 at m3"] },
    { change: { kind: "promote", raftId: 2 }, result: undefined },
    { change: { kind: "promote", raftId: 9 }, result: undefined },
    { change: { kind: "move", raftId: 2, address: "new" }, result: ["1 at m1", "2 at new", "3 learns at m3"] },
    { change: { kind: "move", raftId: 9, address: "new" }, result: undefined },
    { change: { kind: "remove", raftId: 2 }, result: ["1 at m1", "3 learns at m3"] },
    { change: { kind: "remove", raftId: 9 }, result: undefined },
  ];
  for (const { change, result } of cases) {
    it(`${result === undefined ? "refuses" : "allows"} to ${change.kind} ${change.raftId}`, () => {
      assert.deepEqual(short(changeMembers(membersOf([1, 2], [3]), change)), result);
    });
  }

  it("keeps the last voter", () => {
    assert.equal(changeMembers(membersOf([1], [2]), { kind: "remove", raftId: 1 }), undefined);
    assert.deepEqual(short(changeMembers(membersOf([1], [2]), { kind: "remove", raftId: 2 })), ["1 at m1"]);
  });
});

describe("MembershipHistory", () => {
  it("adopts a list with its entry and gives it up with its entry", () => {
    const history = new MembershipHistory(0, membersOf([1]));
    history.push(5, membersOf([1], [2]));
    history.push(8, membersOf([1, 2]));
    assert.deepEqual([history.index, history.voters, history.isVoter(2)], [8, [1, 2], true]);
    assert.throws(() => history.push(8, membersOf([1])), /comes after/);
    history.truncateFrom(8);
    assert.deepEqual([history.index, history.voters, history.isVoter(2)], [5, [1], false]);
    history.truncateFrom(6);
    assert.equal(history.index, 5);
    history.truncateFrom(5);
    assert.deepEqual([history.index, history.members], [0, membersOf([1])]);
    assert.throws(() => history.truncateFrom(0), /may not be undone/);
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
