import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { addressesOf } from "../../../src/daemon/swarm/addresses.ts";
import { withPort } from "../../../src/daemon/swarm/host-and-port.ts";

const HOST = { devices: new Set<string>() };
const NONE = { listenAddress: "", advertiseAddress: "", dataPathAddress: "" };

describe("a node's addresses", () => {
  it("are told as URLs have them, also of IPv6", () => {
    const asked = { ...NONE, listenAddress: "[::]:3000", advertiseAddress: "fd00:1::10", dataPathAddress: "10.0.0.1" };
    deepStrictEqual(addressesOf(asked, HOST), {
      listenAddress: "[::]:3000",
      advertiseHost: "fd00:1::10",
      advertiseAddress: "[fd00:1::10]:3000",
      dataPathHost: "10.0.0.1",
    });
  });

  it("are told with another port where one is said", () => {
    const asked = { ...NONE, listenAddress: "0.0.0.0:3000", advertiseAddress: "10.0.0.1:4000" };
    deepStrictEqual(addressesOf(asked, HOST), {
      listenAddress: "0.0.0.0:3000",
      advertiseHost: "10.0.0.1",
      advertisePort: "4000",
      advertiseAddress: "10.0.0.1:4000",
    });
    strictEqual(addressesOf({ ...asked, advertiseAddress: "10.0.0.1:3000" }, HOST).advertisePort, undefined);
  });

  it("listen for both families where others come over IPv6", () => {
    for (const listenAddress of ["", "0.0.0.0:2377"]) {
      const asked = { ...NONE, listenAddress, advertiseAddress: "fd00:1::10", dataPathAddress: "10.0.0.1" };
      strictEqual(addressesOf(asked, HOST).listenAddress, "[::]:2377");
      strictEqual(addressesOf({ ...NONE, listenAddress, advertiseAddress: "10.0.0.1" }, HOST).listenAddress, "0.0.0.0:2377");
    }
  });

  it("are asked for one of IPv4 where overlay networks would have none, before anything is begun", () => {
    const refusal = { kind: "invalid", message: /^overlay networks need an IPv4 address of this node: fd00:1::10 is none/ };
    throws(() => addressesOf({ ...NONE, advertiseAddress: "fd00:1::10" }, HOST), refusal);
    throws(() => addressesOf({ ...NONE, advertiseAddress: "[fd00:1::10]:2377" }, HOST), refusal);
    throws(() => addressesOf({ ...NONE, advertiseAddress: "10.0.0.1", dataPathAddress: "fd00:1::10" }, HOST), refusal);
  });

  for (const [given, address] of [
    ["10.0.0.1", "10.0.0.1:2377"],
    ["10.0.0.1:80", "10.0.0.1:80"],
    ["fd00:1::10", "[fd00:1::10]:2377"],
    ["[fd00:1::10]", "[fd00:1::10]:2377"],
    ["[fd00:1::10]:80", "[fd00:1::10]:80"],
    ["m1", "m1:2377"],
    ["m1:80", "m1:80"],
  ] as const) {
    it(`of a manager given as ${given}`, () => strictEqual(withPort(given), address));
  }
});
