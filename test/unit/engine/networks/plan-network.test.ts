import assert from "node:assert/strict";
import { bridgeSettings } from "../../../../src/engine/networks/network-record.ts";
import { planNetwork } from "../../../../src/engine/networks/plan-network.ts";
import { NETWORK_DEFAULTS } from "../../../../src/engine/networks/network-defaults.ts";
import { defaultBridge } from "../../../../src/engine/networks/predefined.ts";
import { formatSubnet, parseSubnet } from "../../../../src/lib/ip-address.ts";
import { uniqueLocalPool } from "../../../../src/engine/networks/default-pools.ts";
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
const bridge = defaultBridge({ id: asId("cd".repeat(32)), nowMs: 0 }, NETWORK_DEFAULTS.defaultBridge, [
  { subnet: "172.17.0.0/16", gateway: "172.17.0.1" },
]);

function plan(request: Partial<CreateNetworkRequest>) {
  return planNetwork({ ...REQUEST, ...request }, { existing: [bridge], routed: [parseSubnet("172.18.0.0/15")], id, nowMs: 5 });
}

describe("planNetwork", () => {
  it("chooses a subnet that is neither used nor routed, and its first address as gateway", () => {
    const network = plan({});
    assert.deepEqual(network.ipam, [{ subnet: "172.20.0.0/16", isSubnetChosen: true, gateway: "172.20.0.1" }]);
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

  describe("with IPv6", () => {
    const own = uniqueLocalPool("host");
    const withIpv6 = (request: Partial<CreateNetworkRequest>, bridgeOptions = {}) => {
      const defaults = { pools: [...NETWORK_DEFAULTS.pools, own], bridgeOptions };
      const { isIpv6: _unsaid, ...unsaid } = REQUEST;
      return planNetwork({ ...unsaid, ...request }, { existing: [bridge], routed: [], id, nowMs: 5, defaults });
    };
    const first = formatSubnet({ ...own.range, prefixLength: 64 });

    it("chooses a subnet of each family", () => {
      assert.deepEqual(withIpv6({ isIpv6: true }).ipam, [
        { subnet: "172.18.0.0/16", isSubnetChosen: true, gateway: "172.18.0.1" },
        { subnet: first, isSubnetChosen: true, gateway: first.replace("/64", "1") },
      ]);
    });

    it("takes a subnet in whatever form it is written, and may do without IPv4", () => {
      const network = withIpv6({ isIpv4: false, isIpv6: true, ipam: [{ subnet: "FD00:0:0:9::/64" }] });
      assert.deepEqual(network.ipam, [{ subnet: "fd00:0:0:9::/64", gateway: "fd00:0:0:9::1", isGatewayChosen: true }]);
      assert.equal(network.isIpv4, false);
    });

    it("tells of what was given first, and of a subnet that it has no use for", () => {
      const given = { subnet: "fd00:9::/64", gateway: "fd00:9::9" };
      const chosen = { subnet: "172.18.0.0/16", isSubnetChosen: true, gateway: "172.18.0.1" };
      assert.deepEqual(withIpv6({ isIpv6: true, ipam: [given] }).ipam, [given, chosen]);
      const without = withIpv6({ isIpv6: false, ipam: [given] });
      assert.deepEqual(without.ipam, [given, chosen]);
      assert.deepEqual(
        bridgeSettings(without)?.ranges.map(({ family }) => family),
        [4],
      );
    });

    it("is as the options say where nothing else is said, those of all networks too", () => {
      const on = { "com.docker.network.enable_ipv6": "true" };
      assert.equal(withIpv6({}).isIpv6, false);
      assert.equal(withIpv6({ options: on }).isIpv6, true);
      assert.equal(withIpv6({}, on).isIpv6, true);
      assert.equal(withIpv6({ isIpv6: false }, on).isIpv6, false);
    });
  });

  const refused = [
    { request: { name: "" }, kind: "invalid", words: /name is empty/ },
    { request: { name: " " }, kind: "invalid", words: /name is empty/ },
    { request: { name: "bridge" }, kind: "forbidden", words: /^operation is not permitted on predefined bridge network$/ },
    { request: { driver: "host" }, kind: "forbidden", words: /^only one instance of "host" network is allowed$/ },
    { request: { driver: "macvlan" }, kind: "not-found", words: /^plugin "macvlan" not found$/ },
    { request: { isIpv4: false }, kind: "invalid", words: /IPv4 or IPv6 must be enabled/ },
    {
      request: { isIpv6: true, options: { "com.docker.network.driver.mtu": "1279" } },
      kind: "invalid",
      words: /invalid MTU number: 1279: IPv6 needs at least 1280/,
    },
    { request: { isIpv6: true, ipam: [{ subnet: "fd00::1/64" }] }, kind: "invalid", words: /it should be fd00::\/64/ },
    {
      request: { isIpv6: true, ipam: [{ subnet: "fd00::/64", gateway: "fd01::1" }] },
      kind: "invalid",
      words: /invalid gateway fd01::1: parent subnet is fd00::\/64/,
    },
    {
      request: { options: { "com.docker.network.enable_ipv6": "maybe" } },
      kind: "invalid",
      words: /driver-opt "com.docker.network.enable_ipv6" is not a valid bool/,
    },
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
