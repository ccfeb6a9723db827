import assert from "node:assert/strict";
import { AddressPool } from "../../../../src/manager/allocator/address-pool.ts";
import type { StoredAddresses } from "../../../../src/manager/allocator/address-pool.ts";
import { formatSubnet, overlaps, parseAddress, parseSubnet } from "../../../../src/manager/allocator/ipv4.ts";
import type { Subnet } from "../../../../src/manager/allocator/ipv4.ts";
import { resting } from "./stored.ts";

function subnetOf(text: string): Subnet {
  const subnet = parseSubnet(text);
  assert.ok(subnet, `${text} is no subnet`);
  return subnet;
}

function aPool(text: string, range = text, stored: StoredAddresses = resting()): AddressPool {
  return new AddressPool({ subnet: subnetOf(text), range: subnetOf(range), stored });
}

function takeAll(pool: AddressPool): readonly string[] {
  const taken: string[] = [];
  for (let address = pool.take(); address !== undefined; address = pool.take()) taken.push(address);
  return taken;
}

describe("parsing subnets", () => {
  for (const { text, subnet } of [
    { text: "10.0.1.0/24", subnet: "10.0.1.0/24" },
    { text: "10.0.1.77/24", subnet: "10.0.1.0/24" },
    { text: "255.255.255.255/32", subnet: "255.255.255.255/32" },
    { text: "0.0.0.0/0", subnet: "0.0.0.0/0" },
    { text: "10.0.1.0", subnet: undefined },
    { text: "10.0.1/24", subnet: undefined },
    { text: "10.0.256.0/24", subnet: undefined },
    { text: "10.0.1.0/33", subnet: undefined },
    { text: "10.0.1.0/24/1", subnet: undefined },
  ]) {
    it(`reads ${text} as ${subnet ?? "nothing"}`, () => {
      const parsed = parseSubnet(text);
      assert.equal(parsed && formatSubnet(parsed), subnet);
    });
  }

  it("knows which subnets overlap", () => {
    assert.ok(overlaps(subnetOf("10.0.0.0/8"), subnetOf("10.3.4.0/24")));
    assert.ok(overlaps(subnetOf("10.3.4.0/24"), subnetOf("10.0.0.0/8")));
    assert.ok(!overlaps(subnetOf("10.0.1.0/24"), subnetOf("10.0.2.0/24")));
    assert.equal(parseAddress("1.2.3"), undefined);
  });
});

describe("a pool of addresses", () => {
  it("gives out the lowest free one, never the subnet's own, its broadcast or the gateway", () => {
    const pool = aPool("10.0.1.0/29");
    pool.hold("10.0.1.1", "somebody");
    pool.hold("10.0.1.3/29", "somebody");
    assert.deepEqual(takeAll(pool), ["10.0.1.2/29", "10.0.1.4/29", "10.0.1.5/29", "10.0.1.6/29"]);
  });

  it("gives out an address that is asked for, once, and never the subnet's own, its broadcast or one outside", () => {
    const pool = aPool("10.0.1.0/29", "10.0.1.4/30");
    const asked = ["10.0.1.1", "10.0.1.6", "10.0.1.6", "10.0.1.0", "10.0.1.7", "10.0.0.255", "10.0.1.8", "nowhere"];
    const given = asked.map(address => pool.takeThis(address));
    assert.deepEqual(given.slice(0, 2), ["10.0.1.1/29", "10.0.1.6/29"]);
    assert.ok(given.slice(2).every(address => address === undefined));
  });

  it("gives out an address that rests only when nothing else is left", () => {
    const pool = aPool("10.0.1.0/29", "10.0.1.0/29", resting("10.0.1.2"));
    pool.hold("10.0.1.1", "somebody");
    assert.deepEqual(takeAll(pool), ["10.0.1.3/29", "10.0.1.4/29", "10.0.1.5/29", "10.0.1.6/29", "10.0.1.2/29"]);
  });

  it("never gives out an address that rests and is held again", () => {
    const pool = aPool("10.0.1.0/30", "10.0.1.0/30", resting("10.0.1.1"));
    pool.hold("10.0.1.1", "somebody");
    assert.deepEqual(takeAll(pool), ["10.0.1.2/30"]);
  });

  it("stays in its range, with the subnet's prefix", () => {
    assert.deepEqual(takeAll(aPool("10.0.1.0/24", "10.0.1.128/30")), [
      "10.0.1.128/24",
      "10.0.1.129/24",
      "10.0.1.130/24",
      "10.0.1.131/24",
    ]);
    assert.deepEqual(takeAll(aPool("10.0.1.0/30", "10.0.1.0/30")), ["10.0.1.1/30", "10.0.1.2/30"]);
  });
});
