import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressPool } from "../../../../src/engine/networks/address-pool.ts";
import { chooseSubnet, uniqueLocalPool } from "../../../../src/engine/networks/default-pools.ts";
import { formatIp, formatSubnet, normalizedIp, overlaps, parseIp, parseSubnet } from "../../../../src/lib/ip-address.ts";
import { macFromIp, parseMac } from "../../../../src/engine/networks/mac-address.ts";

describe("addresses", () => {
  it("come back as they were written", () => {
    for (const [family, bits] of [
      [4, 32n],
      [6, 128n],
    ] as const) {
      const values = fc.bigInt({ min: 0n, max: (1n << bits) - 1n });
      fc.assert(fc.property(values, value => parseIp(formatIp({ family, value }))?.value === value));
    }
  });

  it("have one form, and that is what the kernel's is", () => {
    fc.assert(
      fc.property(fc.ipV6(), text => {
        const url = new URL(`http://[${text}]/`);
        return `[${normalizedIp(text)}]` === url.hostname;
      }),
    );
  });

  const none = ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.a", "1.2.3.-4", " 1.2.3.4"];
  const noneEither = [
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "::12345",
    "::g",
    "fe80::1%eth0",
    "::1.2.3",
    "1:2:3:4:5:6:7::8",
  ];
  for (const text of [...none, ...noneEither]) {
    it(`are not ${JSON.stringify(text)}`, () => assert.equal(parseIp(text), undefined));
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
    { left: "fd00::/8", right: "fdab:1::/64", isOverlap: true },
    { left: "fd00:0:0:1::/64", right: "fd00::/64", isOverlap: false },
    { left: "0.0.0.0/0", right: "::/0", isOverlap: false },
  ];
  for (const { left, right, isOverlap } of pairs) {
    it(`${left} and ${right} ${isOverlap ? "overlap" : "are apart"}`, () => {
      assert.equal(overlaps(parseSubnet(left), parseSubnet(right)), isOverlap);
    });
  }
});

describe("AddressPool", () => {
  const take = (pool: AddressPool) => pool.allocate();

  it("gives the lowest free address, and neither the subnet's own nor the broadcast", () => {
    const pool = new AddressPool(parseSubnet("10.0.0.0/30"));
    assert.deepEqual([take(pool), take(pool)], ["10.0.0.1", "10.0.0.2"]);
    assert.throws(() => pool.allocate(), /no available IPv4 addresses/);
    pool.free("10.0.0.1");
    assert.equal(take(pool), "10.0.0.1");
  });

  it("gives IPv6 addresses too, but for that of any router", () => {
    const pool = new AddressPool(parseSubnet("fd00::/126"));
    pool.take("fd00:0::1");
    assert.deepEqual([take(pool), take(pool)], ["fd00::2", "fd00::3"]);
    assert.throws(() => pool.allocate(), /no available IPv6 addresses/);
    assert.ok(pool.has("fd00:0:0::2"));
  });

  it("chooses within its range, and takes static addresses anywhere in the subnet", () => {
    const pool = new AddressPool(parseSubnet("10.0.0.0/24"), { range: parseSubnet("10.0.0.128/30") });
    pool.take("10.0.0.129");
    pool.take("10.0.0.5");
    assert.deepEqual([take(pool), take(pool), take(pool)], ["10.0.0.128", "10.0.0.130", "10.0.0.131"]);
    assert.throws(() => pool.take("10.0.0.5"), /Address already in use/);
    assert.throws(() => pool.take("10.0.1.5"), /no configured subnet contains IP address 10.0.1.5/);
  });

  it("never gives an address twice, whatever is freed between", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), steps => {
        const pool = new AddressPool(parseSubnet("10.0.0.0/28"));
        const held: string[] = [];
        for (const isTaking of steps) {
          if (isTaking && held.length < 14) {
            const address = pool.allocate();
            assert.ok(!held.includes(address) && address.startsWith("10.0.0."));
            held.push(address);
          } else if (held.length > 0) pool.free(held.splice(held.length >> 1, 1)[0] ?? "");
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
  it("finds IPv6 subnets in a range of this host's own", () => {
    const pools = [uniqueLocalPool("one")];
    const first = formatSubnet(chooseSubnet([], pools, 6));
    assert.match(first, /^fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4}::\/64$/);
    assert.equal(formatSubnet(chooseSubnet([parseSubnet(first)], pools, 6)), first.replace("::", ":1::"));
    assert.notEqual(formatSubnet(chooseSubnet([], [uniqueLocalPool("two")], 6)), first);
  });

  it("says when there is none", () => {
    assert.throws(() => chooseSubnet([parseSubnet("0.0.0.0/0")]), /all predefined address pools have been fully subnetted/);
  });
});

describe("MAC addresses", () => {
  it("follow from the IP address", () => {
    assert.equal(macFromIp("10.0.1.255"), "02:42:0a:00:01:ff");
    assert.equal(macFromIp("fd00::ab:2"), "02:42:00:ab:00:02");
  });
  it("are read in either form, but no group addresses", () => {
    assert.equal(parseMac("02-42-AC-11-00-02"), "02:42:ac:11:00:02");
    assert.equal(parseMac("01:00:5e:00:00:01"), undefined);
    assert.equal(parseMac("02:42:ac"), undefined);
  });
});
