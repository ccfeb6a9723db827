import { OperationError } from "../../lib/errors.ts";
import { broadcastOf, contains, formatIpv4, type Ipv4, type Subnet, sizeOf } from "./ipv4.ts";

/** The addresses of one subnet that are given out: the lowest free one each time, as Docker's for networks of one host. */
export class AddressPool {
  readonly subnet: Subnet;
  readonly #range: Subnet;
  readonly #taken = new Set<Ipv4>();
  /** Every address of the range below it is taken. */
  #lowest: Ipv4;

  /** @param range - The part of the subnet to choose from; static addresses may lie outside. */
  constructor(subnet: Subnet, { range = subnet }: { readonly range?: Subnet } = {}) {
    this.subnet = subnet;
    this.#range = range;
    this.#lowest = range.base;
    if (subnet.prefixLength >= 31) return; // Both addresses of a point-to-point link are usable.
    this.#taken.add(subnet.base);
    this.#taken.add(broadcastOf(subnet));
  }

  /** @throws OperationError `forbidden` when the subnet is full. */
  allocate(): Ipv4 {
    const end = this.#range.base + sizeOf(this.#range);
    while (this.#lowest < end && this.#taken.has(this.#lowest)) this.#lowest++;
    if (this.#lowest < end) {
      const address = this.#lowest++;
      this.#taken.add(address);
      return address;
    }
    throw new OperationError("forbidden", "no available IPv4 addresses on this network's address pools");
  }

  /** Takes a certain address. @throws OperationError `forbidden` when it is taken, `invalid` when it lies outside. */
  take(address: Ipv4): void {
    if (!contains(this.subnet, address)) {
      throw new OperationError("invalid", `no configured subnet contains IP address ${formatIpv4(address)}`);
    }
    if (this.#taken.has(address)) throw new OperationError("forbidden", "Address already in use");
    this.#taken.add(address);
  }

  has(address: Ipv4): boolean {
    return this.#taken.has(address);
  }

  free(address: Ipv4): void {
    this.#taken.delete(address);
    if (contains(this.#range, address)) this.#lowest = Math.min(this.#lowest, address);
  }
}
