import assert from "node:assert/strict";
import { byName, type Inspected, inOrder } from "../../oracle/aftermath.ts";
import { compareOutcomes } from "../../oracle/compare.ts";

const mounted = (destination: string, extra: object = {}) => ({ Type: "volume", Destination: destination, RW: true, ...extra });
const container = (changes: object = {}): Inspected => ({
  Name: "/box",
  Created: "2024-01-01T00:00:00.000000001Z",
  State: { Status: "exited" },
  HostConfig: { Binds: ["a:/a", "b:/b"] },
  Mounts: [mounted("/a"), mounted("/b")],
  ...changes,
});

function differences(real: readonly Inspected[], ours: readonly Inspected[]): number {
  const outcome = (all: readonly Inspected[]) => ({
    exitCode: 0,
    stdout: JSON.stringify(byName(all.map(inOrder))),
    stderr: "",
  });
  return compareOutcomes("inspect of all", outcome(real), outcome(ours)).length;
}

describe("the comparison of what a scenario leaves", () => {
  const two = container({ Name: "/two" });
  const planted: Readonly<Record<string, readonly [real: readonly Inspected[], ours: readonly Inspected[]]>> = {
    "a container that is not there": [[container(), two], [container()]],
    "a container too many": [[container()], [container(), two]],
    "another name": [[container()], [two]],
    "another state": [[container()], [container({ State: { Status: "dead" } })]],
    "a missing mount": [[container()], [container({ Mounts: [mounted("/a")] })]],
    "a mount elsewhere": [[container()], [container({ Mounts: [mounted("/a"), mounted("/c")] })]],
    "a mount that cannot be written to": [[container()], [container({ Mounts: [mounted("/a"), mounted("/b", { RW: false })] })]],
    "mounts that changed places": [
      [container({ Mounts: [mounted("/a", { Name: "x" }), mounted("/b", { Name: "y" })] })],
      [container({ Mounts: [mounted("/a", { Name: "y" }), mounted("/b", { Name: "x" })] })],
    ],
    "a bind that is not there": [[container()], [container({ HostConfig: { Binds: ["a:/a"] } })]],
    "no binds where there is an empty list": [
      [container({ HostConfig: { Binds: [] } })],
      [container({ HostConfig: { Binds: null } })],
    ],
  };
  for (const [what, [real, ours]] of Object.entries(planted)) {
    it(`finds ${what}`, () => assert.ok(differences(real, ours) > 0));
  }

  it("lets pass mounts, binds and containers that are told in another order", () => {
    const turned = container({ Mounts: [mounted("/b"), mounted("/a")], HostConfig: { Binds: ["b:/b", "a:/a"] } });
    assert.equal(differences([container(), two], [two, turned]), 0);
  });

  it("holds containers of made-up names against each other in the order in which they were made", () => {
    const made = (name: string, second: number, status: string) =>
      container({ Name: name, Created: `2024-01-01T00:00:0${second}.5Z`, State: { Status: status } });
    const statuses = (...all: readonly Inspected[]) => byName(all).map(({ State }) => State.Status);
    const order = ["exited", "created"];
    assert.deepEqual(statuses(made("/wise_curie", 1, "exited"), made("/bold_gauss2", 2, "created")), order);
    assert.deepEqual(statuses(made("/wise_curie", 2, "created"), made("/bold_gauss2", 1, "exited")), order);
    assert.deepEqual(statuses(made("/wise_curie", 1, "exited"), made("/box", 2, "running")), ["running", "exited"]);
  });
});
