import assert from "node:assert/strict";
import {
  CAPABILITY_NAMES,
  capabilitiesOfMask,
  DEFAULT_CAPABILITIES,
  effectiveCapabilities,
  toOciCapabilities,
} from "../../../../src/engine/runtime/oci/capabilities.ts";

const available = CAPABILITY_NAMES.filter(name => name !== "CAP_SYS_RESOURCE");
const ask = (capAdd: readonly string[], capDrop: readonly string[], privileged = false): readonly string[] =>
  effectiveCapabilities({ capAdd, capDrop, privileged }, available);

describe("capabilities", () => {
  it("are Docker's 14 by default", () => {
    assert.deepEqual(ask([], []), DEFAULT_CAPABILITIES);
    assert.equal(DEFAULT_CAPABILITIES.length, 14);
  });

  it("are added and dropped by any spelling", () => {
    assert.deepEqual(ask(["net_admin"], ["CAP_CHOWN", "MKNOD"]), [
      ...DEFAULT_CAPABILITIES.filter(name => name !== "CAP_CHOWN" && name !== "CAP_MKNOD"),
      "CAP_NET_ADMIN",
    ]);
  });

  const cases = [
    { when: "all are dropped", is: ask([], ["ALL"]), want: [] },
    { when: "all are dropped and one is added", is: ask(["CHOWN"], ["ALL"]), want: ["CAP_CHOWN"] },
    { when: "all are added", is: ask(["ALL"], []), want: available },
    { when: "all are added but one", is: ask(["ALL"], ["SYS_ADMIN"]), want: available.filter(name => name !== "CAP_SYS_ADMIN") },
    { when: "one is added that is there already", is: ask(["CHOWN"], []), want: DEFAULT_CAPABILITIES },
    { when: "privileged", is: ask([], ["ALL"], true), want: available },
  ];
  for (const { when, is, want } of cases) it(`are right when ${when}`, () => assert.deepEqual(is, want));

  it("refuse what is no capability, and what cannot be given here", () => {
    assert.throws(() => ask(["FOO"], []), { kind: "invalid", message: 'invalid CapAdd: unknown capability: "CAP_FOO"' });
    assert.throws(() => ask([], ["bar"]), { kind: "invalid", message: 'invalid CapDrop: unknown capability: "CAP_BAR"' });
    assert.throws(() => ask(["SYS_RESOURCE"], []), { kind: "invalid", message: /not available in the current environment/ });
  });

  it("of another user than root are only bounding", () => {
    assert.deepEqual(toOciCapabilities(["CAP_CHOWN"], { uid: 1 }), {
      bounding: ["CAP_CHOWN"],
      effective: [],
      permitted: [],
      inheritable: [],
      ambient: [],
    });
  });

  it("are read from a mask of /proc", () => {
    assert.deepEqual(capabilitiesOfMask("00000000a80425fb").toSorted(), DEFAULT_CAPABILITIES.toSorted());
    assert.equal(capabilitiesOfMask("000001ffffffffff").length, CAPABILITY_NAMES.length);
  });
});
