import assert from "node:assert/strict";
import { majority, quorumValue, voteOutcome } from "../../../src/raft/quorum.ts";

describe("quorumValue", () => {
  const cases = [
    { voters: [1], values: [7], value: 7 },
    { voters: [1, 2], values: [7, 3], value: 3 },
    { voters: [1, 2, 3], values: [7, 3, 5], value: 5 },
    { voters: [1, 2, 3, 4], values: [7, 3, 5, 4], value: 4 },
    { voters: [1, 2, 3, 4, 5], values: [1, 2, 3, 4, 5], value: 3 },
    { voters: [1, 2, 3], values: [10, 9, 100], value: 10 },
  ];
  for (const { voters, values, value } of cases) {
    it(`of ${values.join()} a majority has reached ${value}`, () => {
      assert.equal(
        quorumValue(voters, voter => values[voter - 1] ?? 0),
        value,
      );
    });
  }

  it("has no bound where nobody votes", () => {
    assert.equal(
      quorumValue([], () => 1),
      Infinity,
    );
  });
});

describe("majority", () => {
  for (const [count, needed] of [
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
  ] as const) {
    it(`of ${count} is ${needed}`, () => assert.equal(majority(count), needed));
  }
});

describe("voteOutcome", () => {
  const cases = [
    { voters: [], yes: [], no: [], outcome: "won" },
    { voters: [1], yes: [1], no: [], outcome: "won" },
    { voters: [1, 2, 3], yes: [1], no: [], outcome: "pending" },
    { voters: [1, 2, 3], yes: [1, 2], no: [], outcome: "won" },
    { voters: [1, 2, 3], yes: [1], no: [2], outcome: "pending" },
    { voters: [1, 2, 3], yes: [1], no: [2, 3], outcome: "lost" },
    { voters: [1, 2, 3], yes: [1, 9], no: [], outcome: "pending" },
    { voters: [1, 2], yes: [1], no: [2], outcome: "lost" },
    { voters: [1, 2, 3, 4], yes: [1, 2], no: [3], outcome: "pending" },
    { voters: [1, 2, 3, 4], yes: [1, 2], no: [3, 4], outcome: "lost" },
    { voters: [1, 2, 3, 4, 5], yes: [1, 2, 3], no: [4, 5], outcome: "won" },
  ] as const;
  for (const { voters, yes, no, outcome } of cases) {
    it(`is ${outcome} with ${yes.length} for and ${no.length} against, of ${voters.length}`, () => {
      const votes = new Map([...yes.map(id => [id, true] as const), ...no.map(id => [id, false] as const)]);
      assert.equal(voteOutcome(voters, votes), outcome);
    });
  }
});
