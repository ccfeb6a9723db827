import type { StoredAddresses } from "../../../../src/manager/allocator/address-pool.ts";
import { parseAddress } from "../../../../src/manager/allocator/ipv4.ts";

/** Nobody has an address, and these rest. */
export function resting(...addresses: readonly string[]): StoredAddresses {
  const values = new Set(addresses.map(address => parseAddress(address) ?? NaN));
  return { holderOf: () => undefined, isHeld: () => false, isResting: value => values.has(value), resting: () => values };
}
