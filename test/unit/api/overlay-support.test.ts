import assert from "node:assert/strict";
import { checkOverlaySupport } from "../../../src/api/validation/network.ts";
import { networkCreateBody } from "../../../src/api/wire/network.ts";

const VXLAN = "com.docker.network.driver.overlay.vxlanid_list";

describe("an overlay network", () => {
  const check = (more: object) => checkOverlaySupport(networkCreateBody.read({ Name: "x", Driver: "overlay", ...more }));
  const refused: readonly [string, object][] = [
    ["that are encrypted", { Options: { encrypted: "" } }],
    ["with IPv6, or without IPv4,", { EnableIPv6: true }],
    ["with IPv6, or without IPv4,", { EnableIPv4: false }],
    ["with IPv6, or without IPv4,", { IPAM: { Config: [{ Subnet: "fd00::/64" }] } }],
    ["with more than one subnet", { IPAM: { Config: [{ Subnet: "10.1.0.0/24" }, { Subnet: "10.2.0.0/24" }] } }],
    ["with VXLAN numbers of one's own", { Options: { [VXLAN]: "5000" } }],
    ["with an IPAM driver or its options", { IPAM: { Driver: "other" } }],
    ["with an IPAM driver or its options", { IPAM: { Options: { a: "b" } } }],
  ];
  for (const [what, more] of refused) {
    it(`is refused, not made without what was asked for: ${JSON.stringify(more)}`, () => {
      assert.throws(() => check(more), { kind: "invalid", message: `overlay networks ${what} are not supported by this engine` });
    });
  }

  it("may have a subnet of its own, with addresses kept for others, and an MTU", () => {
    const Config = [
      { Subnet: "10.1.0.0/24", Gateway: "10.1.0.9", IPRange: "10.1.0.128/25", AuxiliaryAddresses: { a: "10.1.0.2" } },
    ];
    check({ IPAM: { Driver: "default", Config }, Options: { "com.docker.network.driver.mtu": "1400", encrypted: "false" } });
  });
});
