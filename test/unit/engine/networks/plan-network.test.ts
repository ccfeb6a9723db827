import assert from "node:assert/strict";
import { bridgeSettings } from "../../../../src/engine/networks/network-record.ts";
import { planNetwork } from "../../../../src/engine/networks/plan-network.ts";
import { NETWORK_DEFAULTS } from "../../../../src/engine/networks/network-defaults.ts";
import { defaultBridge } from "../../../../src/engine/networks/predefined.ts";
import { parseSubnet } from "../../../../src/engine/networks/ipv4.ts";
import type { CreateNetworkRequest } from "../../../../src/model/engine-network.ts";
import { asId, type EngineNetworkId } from "../../../../src/model/ids.ts";

const REQUEST: CreateNetworkRequest = {
  name: "net",
  driver: "",
  isInternal: false,
  isAttachable: false,
  isIngress: false,
  isIpv4: true,
  isIpv6: false,
  ipamDriver: "",
  ipamOptions: {},
  ipam: [],
  options: {},
  labels: {},
  scope: "",
};
const id = asId<EngineNetworkId>("ab".repeat(32));
const bridge = defaultBridge({ id: asId("cd".repeat(32)), nowMs: 0 }, NETWORK_DEFAULTS.defaultBridge, {
  subnet: "172.17.0.0/16",
  gateway: "172.17.0.1",
});

function plan(request: Partial<CreateNetworkRequest>) {
  return planNetwork({ ...REQUEST, ...request }, { existing: [bridge], routed: [parseSubnet("172.18.0.0/15")], id, nowMs: 5 });
}

describe("planNetwork", () => {
  it("chooses a subnet that is neither used nor routed, and its first address as gateway", () => {
    const network = plan({});
    assert.deepEqual(network.ipam, [{ subnet: "172.20.0.0/16", gateway: "172.20.0.1" }]);
    assert.equal(bridgeSettings(network)?.interfaceName, "br-abababababab");
  });

  const pools = [
    { pool: { subnet: "10.1.0.0/24" }, gateway: "10.1.0.1" },
    { pool: { subnet: "10.1.0.0/24", gateway: "10.1.0.9" }, gateway: "10.1.0.9", isGiven: true },
    { pool: { subnet: "10.1.0.0/24", ipRange: "10.1.0.128/25" }, gateway: "10.1.0.128" },
    { pool: { subnet: "10.1.0.0/24", auxiliaryAddresses: { printer: "10.1.0.1" } }, gateway: "10.1.0.2" },
  ];
  for (const { pool, gateway, isGiven = false } of pools) {
    it(`puts the gateway of ${JSON.stringify(pool)} at ${gateway}`, () => {
      assert.deepEqual(plan({ ipam: [pool] }).ipam, [{ ...pool, gateway, ...(!isGiven && { isGatewayChosen: true }) }]);
    });
  }

  const refused = [
    { request: { name: "" }, kind: "invalid", words: /name is empty/ },
    { request: { name: " " }, kind: "invalid", words: /name is empty/ },
    { request: { name: "bridge" }, kind: "forbidden", words: /^operation is not permitted on predefined bridge network$/ },
    { request: { driver: "host" }, kind: "forbidden", words: /^only one instance of "host" network is allowed$/ },
    { request: { driver: "macvlan" }, kind: "not-found", words: /^plugin "macvlan" not found$/ },
    { request: { isIpv6: true }, kind: "invalid", words: /IPv6/ },
    { request: { ipam: [{ subnet: "10.1.0.1/24" }] }, kind: "invalid", words: /it should be 10.1.0.0\/24/ },
    {
      request: { ipam: [{ subnet: "172.17.9.0/24" }] },
      kind: "forbidden",
      words: /Pool overlaps with other one on this address space/,
    },
    { request: { ipam: [{ subnet: "10.1.0.0/24", gateway: "10.2.0.1" }] }, kind: "invalid", words: /invalid gateway 10.2.0.1/ },
    { request: { ipam: [{ subnet: "10.1.0.0/24", ipRange: "10.0.0.0/8" }] }, kind: "invalid", words: /invalid ip-range/ },
    { request: { ipam: [{ gateway: "10.1.0.1" }] }, kind: "invalid", words: /no matching subnet/ },
    { request: { options: { "com.docker.network.bridge.name": "docker0" } }, kind: "forbidden", words: /docker0 already exists/ },
    { request: { options: { "com.docker.network.driver.mtu": "12" } }, kind: "invalid", words: /invalid MTU number: 12/ },
    { request: { options: { "com.docker.network.bridge.enable_icc": "maybe" } }, kind: "invalid", words: /enable_icc/ },
  ];
  it("takes any name that is not empty, as Docker does", () => {
    for (const name of ["test 01", "-x", "größe"]) assert.equal(plan({ name }).name, name);
  });

  for (const { request, kind, words } of refused) {
    it(`refuses ${JSON.stringify(request)}`, () => {
      assert.throws(
        () => plan(request),
        (error: Error & { kind?: string }) => error.kind === kind && words.test(error.message),
      );
    });
  }
});
