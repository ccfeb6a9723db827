import assert from "node:assert/strict";
import { addressTowards, isOwnAddress } from "../../../src/system/own-address.ts";

/** For documentation (RFC 5737): this host does not have it. */
const ELSEWHERE = "203.0.113.1";

describe("a host's own addresses", () => {
  it("are told from others'", async () => {
    assert.equal(await isOwnAddress("127.0.0.1"), true);
    assert.equal(await isOwnAddress(ELSEWHERE), false);
  });

  it("are found by the way to another host, and not where there is none", async () => {
    assert.equal(await addressTowards("127.0.0.1"), "127.0.0.1");
    assert.equal(await addressTowards("255.255.255.255"), undefined); // Refused without leave to broadcast.
    assert.equal(await addressTowards("localhost"), "127.0.0.1");
  });
});
