import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressPool } from "../../../../src/engine/networks/address-pool.ts";
import { chooseSubnet } from "../../../../src/engine/networks/default-pools.ts";
import { contains, formatIpv4, formatSubnet, overlaps, parseIpv4, parseSubnet } from "../../../../src/engine/networks/ipv4.ts";
import { macFromIpv4, parseMac } from "../../../../src/engine/networks/mac-address.ts";

describe("IPv4 addresses", () => {
  it("come back as they were written", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), value => parseIpv4(formatIpv4(value)) === value));
  });

  for (const text of ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.a", "1.2.3.-4", " 1.2.3.4"]) {
    it(`are not ${JSON.stringify(text)}`, () => assert.equal(parseIpv4(text), undefined));
  }

  it("lose their host bits in a subnet", () => {
    assert.equal(formatSubnet(parseSubnet("10.1.2.3/16")), "10.1.0.0/16");
    assert.equal(formatSubnet(parseSubnet("255.255.255.255/0")), "0.0.0.0/0");
    assert.throws(() => parseSubnet("10.0.0.0/33"), /invalid CIDR address: 10.0.0.0\/33/);
  });

  const pairs = [
    { left: "10.0.0.0/8", right: "10.9.0.0/16", isOverlap: true },
    { left: "10.9.0.0/16", right: "10.0.0.0/8", isOverlap: true },
    { left: "10.0.0.0/24", right: "10.0.1.0/24", isOverlap: false },
    { left: "0.0.0.0/0", right: "255.255.255.255/32", isOverlap: true },
  ];
  for (const { left, right, isOverlap } of pairs) {
    it(`${left} and ${right} ${isOverlap ? "overlap" : "are apart"}`, () => {
      assert.equal(overlaps(parseSubnet(left), parseSubnet(right)), isOverlap);
    });
  }
});

describe("AddressPool", () => {
  const take = (pool: AddressPool) => formatIpv4(pool.allocate());

  it("gives the lowest free address, and neither the subnet's own nor the broadcast", () => {
    const pool = new AddressPool(parseSubnet("10.0.0.0/30"));
    assert.deepEqual([take(pool), take(pool)], ["10.0.0.1", "10.0.0.2"]);
    assert.throws(() => pool.allocate(), /no available IPv4 addresses/);
    pool.free(parseIpv4("10.0.0.1") ?? 0);
    assert.equal(take(pool), "10.0.0.1");
  });

  it("chooses within its range, and takes static addresses anywhere in the subnet", () => {
    const pool = new AddressPool(parseSubnet("10.0.0.0/24"), { range: parseSubnet("10.0.0.128/30") });
    pool.take(parseIpv4("10.0.0.129") ?? 0);
    pool.take(parseIpv4("10.0.0.5") ?? 0);
    assert.deepEqual([take(pool), take(pool), take(pool)], ["10.0.0.128", "10.0.0.130", "10.0.0.131"]);
    assert.throws(() => pool.take(parseIpv4("10.0.0.5") ?? 0), /Address already in use/);
    assert.throws(() => pool.take(parseIpv4("10.0.1.5") ?? 0), /no configured subnet contains IP address 10.0.1.5/);
  });

  it("never gives an address twice, whatever is freed between", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), steps => {
        const pool = new AddressPool(parseSubnet("10.0.0.0/28"));
        const held: number[] = [];
        for (const isTaking of steps) {
          if (isTaking && held.length < 14) {
            const address = pool.allocate();
            assert.ok(!held.includes(address) && contains(pool.subnet, address));
            held.push(address);
          } else if (held.length > 0) pool.free(held.splice(held.length >> 1, 1)[0] ?? 0);
        }
      }),
    );
  });
});

describe("chooseSubnet", () => {
  const cases = [
    { used: [], chosen: "172.17.0.0/16" },
    { used: ["172.17.0.0/16"], chosen: "172.18.0.0/16" },
    { used: ["172.16.0.0/12"], chosen: "192.168.0.0/20" },
    { used: ["172.16.0.0/12", "192.168.3.0/24"], chosen: "192.168.16.0/20" },
  ];
  for (const { used, chosen } of cases) {
    it(`takes ${chosen} beside ${used.join(", ") || "nothing"}`, () => {
      assert.equal(formatSubnet(chooseSubnet(used.map(parseSubnet))), chosen);
    });
  }
  it("says when there is none", () => {
    assert.throws(() => chooseSubnet([parseSubnet("0.0.0.0/0")]), /all predefined address pools have been fully subnetted/);
  });
});

describe("MAC addresses", () => {
  it("follow from the IP address", () => assert.equal(macFromIpv4("10.0.1.255"), "02:42:0a:00:01:ff"));
  it("are read in either form, but no group addresses", () => {
    assert.equal(parseMac("02-42-AC-11-00-02"), "02:42:ac:11:00:02");
    assert.equal(parseMac("01:00:5e:00:00:01"), undefined);
    assert.equal(parseMac("02:42:ac"), undefined);
  });
});
