import assert from "node:assert/strict";
import { AddressPool } from "../../../../src/manager/allocator/address-pool.ts";
import { parseSubnet } from "../../../../src/manager/allocator/ipv4.ts";
import { slotAddressReason } from "../../../../src/manager/allocator/slot-handover.ts";
import { addressOfSlot, keptAddresses, parseRange, slotAddressesOf } from "../../../../src/manager/allocator/slot-addresses.ts";
import type { ServiceSpec } from "../../../../src/model/cluster.ts";
import { asId } from "../../../../src/model/ids.ts";
import { aService, aTask } from "../store/objects.ts";
import { resting } from "./stored.ts";

const ROW = { target: "app-id", addresses: ["10.9.0.20", "10.9.0.30-10.9.0.32", "10.9.0.9"] };

describe("addresses of slots", () => {
  for (const [keeper, says] of [
    ["other", "address 10.9.0.20 on network app is kept by service other"],
    ["web", "address 10.9.0.20 is none of network app"],
    [undefined, "address 10.9.0.20 is none of network app"],
  ] as const)
    it(`that ${keeper ?? "nobody"} keeps are missing because of that, or because the network has none such`, () => {
      const reason = slotAddressReason({
        task: aTask("t1", { slot: 1, serviceId: asId("web") }),
        network: { id: "app-id", spec: { name: "app" }, ipam: [{ subnet: "10.8.0.0/24" }] } as never,
        spec: ROW,
        wanted: "10.9.0.20",
        addresses: { holderOf: () => undefined, keeperOf: () => keeper } as never,
      });
      assert.equal(reason, says);
    });

  it("are counted through rows and single ones, slot 1 the first", () => {
    assert.equal(slotAddressesOf(ROW).length, 5);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6].map(slot => addressOfSlot(ROW, slot)),
      [undefined, "10.9.0.20", "10.9.0.30", "10.9.0.31", "10.9.0.32", "10.9.0.9", undefined],
    );
  });

  for (const text of [
    "",
    "10.9.0",
    "10.9.0.1-",
    "10.9.0.2-10.9.0.1",
    "10.9.0.1-10.9.0.2-10.9.0.3",
    "10.9.0.01",
    "10.9.0.1/24",
    "fd00::1",
  ])
    it(`are not what ${JSON.stringify(text)} says`, () => assert.equal(parseRange(text), undefined));

  it("are kept for the service, those before an update too, until it is removed", () => {
    const specWith = (...addresses: string[]): ServiceSpec => {
      const { spec } = aService("web");
      return { ...spec, task: { ...spec.task, networks: [{ target: "app-id", addresses }, { target: "back-id" }] } };
    };
    const service = aService("web", { spec: specWith("0.0.0.5-0.0.0.6"), previousSpec: specWith("0.0.0.8") });
    assert.deepEqual(keptAddresses(service), [
      { networkId: "app-id", addresses: [5, 6] },
      { networkId: "app-id", addresses: [8] },
    ]);
    assert.deepEqual(keptAddresses({ ...service, isRemoving: true }), []);
  });

  it("are given to nobody else, also when nothing else is left, and to their own service only where it asks for them", () => {
    const subnet = parseSubnet("10.9.0.0/29");
    assert.ok(subnet);
    const pool = new AddressPool({ subnet, range: subnet, stored: resting("10.9.0.2") });
    pool.keep(slotAddressesOf({ target: "", addresses: ["10.9.0.1-10.9.0.3"] }), asId("web"));
    assert.deepEqual(
      [pool.take(), pool.take(), pool.take(), pool.take()],
      ["10.9.0.4/29", "10.9.0.5/29", "10.9.0.6/29", undefined],
    );
    assert.equal(pool.takeThis("10.9.0.2", { serviceId: asId("other") }), undefined);
    assert.equal(pool.takeThis("10.9.0.2"), undefined);
    assert.equal(pool.takeThis("10.9.0.2", { serviceId: asId("web") }), "10.9.0.2/29");
    assert.equal(pool.takeThis("10.9.0.2", { serviceId: asId("web") }), undefined, "it is held now");
    pool.release("10.9.0.2/29");
    assert.equal(pool.takeThis("10.9.0.2", { serviceId: asId("web") }), "10.9.0.2/29");
  });
});
