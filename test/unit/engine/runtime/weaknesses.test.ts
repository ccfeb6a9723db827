import assert from "node:assert/strict";
import { weaknessOf } from "../../../../src/engine/runtime/weaknesses.ts";

describe("what is known of a runtime's version", () => {
  const weak = ["1.0.0-rc93", "1.1.5+ds1", "1.1.12", "1.2.7", "1.3.0-rc.1", "1.3.2", "1.4.0-rc.2"];
  const mended = ["1.2.8", "1.2.9", "1.3.3", "1.3.6+ds1", "1.4.0-rc.3", "1.4.0", "1.4.3", "1.5.0-rc.1", "2.0.0"];
  for (const version of weak)
    it(`is that runc ${version} is weak`, () =>
      assert.match(
        weaknessOf({ program: "runc", version }) ?? "",
        new RegExp(`^runc ${version.replaceAll(/[.+]/g, "\\$&")} .*CVE-`),
      ));
  for (const version of mended)
    it(`is nothing against runc ${version}`, () => assert.equal(weaknessOf({ program: "runc", version }), undefined));

  for (const [program, version] of [
    ["crun", "1.8.1"],
    ["runsc", "release-20260101.0"],
    ["runc", ""],
    ["", "1.1.5"],
  ] as const)
    it(`is nothing of ${program} ${version}`, () => assert.equal(weaknessOf({ program, version }), undefined));

  it("is told in one sentence that says what to do", () =>
    assert.equal(
      weaknessOf({ program: "runc", version: "1.1.5+ds1" }),
      "runc 1.1.5+ds1 is known to be weak (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881): a container can change settings of this host " +
        "through a volume that it shares with one that is being started. Mended in 1.2.8, 1.3.3, 1.4.0-rc.3 and later, or by who distributes it.",
    ));
});
