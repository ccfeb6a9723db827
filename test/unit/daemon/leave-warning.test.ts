import assert from "node:assert/strict";
import { leaveWarning } from "../../../src/daemon/swarm/leave-warning.ts";
import type { NodeView } from "../../../src/model/control.ts";

const cases: readonly { readonly what: string; readonly reachable: readonly boolean[] | undefined; readonly says: RegExp }[] = [
  {
    what: "the last manager",
    reachable: [true],
    says: /Removing the last manager erases all .* `--force` to ignore this message\.$/,
  },
  { what: "one of two managers", reachable: [true, true], says: /leaves 1 managers out of 2\. Without a Raft quorum/ },
  { what: "one of three managers", reachable: [true, true, true], says: /^(?!.*quorum).*reinitialize it with/ },
  { what: "one of three of which one is away", reachable: [true, true, false], says: /leaves 1 managers out of 3\./ },
  {
    what: "a manager without a swarm that answers",
    reachable: undefined,
    says: /Doing so may lose the consensus of your cluster\./,
  },
];

describe("what a manager is told that leaves", () => {
  for (const { what, reachable, says } of cases) {
    it(`as ${what}`, () => assert.match(leaveWarning(reachable?.map(isReachable => ({ isReachable }) as NodeView)), says));
  }

  it("loses no quorum with five managers", () => {
    const five = Array.from({ length: 5 }, () => ({ isReachable: true }) as NodeView);
    assert.doesNotMatch(leaveWarning(five), /quorum/);
  });
});
