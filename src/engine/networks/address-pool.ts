import { OperationError } from "../../lib/errors.ts";
import { addressAt, contains, formatIp, type IpAddress, parseIp, sizeOf, type Subnet } from "../../lib/ip-address.ts";

/** The addresses of one subnet that are given out: the lowest free one each time, as Docker's for networks of one host. */
export class AddressPool {
  readonly subnet: Subnet;
  readonly #range: Subnet;
  readonly #taken = new Set<bigint>();
  /** Every address of the range below it is taken. */
  #lowest: bigint;

  /** @param range - The part of the subnet to choose from; static addresses may lie outside. */
  constructor(subnet: Subnet, { range = subnet }: { readonly range?: Subnet } = {}) {
    this.subnet = subnet;
    this.#range = range;
    this.#lowest = range.base;
    if (sizeOf(subnet) <= 2n) return; // Both addresses of a point-to-point link are usable.
    this.#taken.add(subnet.base); // With IPv6 that of any router.
    if (subnet.family === 4) this.#taken.add(addressAt(subnet, -1n).value);
  }

  /** @throws OperationError `forbidden` when the subnet is full. */
  allocate(): string {
    const { family } = this.subnet;
    const end = this.#range.base + sizeOf(this.#range);
    while (this.#lowest < end && this.#taken.has(this.#lowest)) this.#lowest++;
    if (this.#lowest < end) {
      const value = this.#lowest++;
      this.#taken.add(value);
      return formatIp({ family, value });
    }
    throw new OperationError("forbidden", `no available IPv${family} addresses on this network's address pools`);
  }

  /** Takes a certain address. @throws OperationError `forbidden` when it is taken, `invalid` when it lies outside. */
  take(text: string): void {
    const address = this.#inside(text);
    if (address === undefined) throw new OperationError("invalid", `no configured subnet contains IP address ${text}`);
    if (this.#taken.has(address.value)) throw new OperationError("forbidden", "Address already in use");
    this.#taken.add(address.value);
  }

  has(text: string): boolean {
    const address = this.#inside(text);
    return address !== undefined && this.#taken.has(address.value);
  }

  free(text: string): void {
    const address = this.#inside(text);
    if (address === undefined) return;
    this.#taken.delete(address.value);
    if (contains(this.#range, address) && address.value < this.#lowest) this.#lowest = address.value;
  }

  #inside(text: string): IpAddress | undefined {
    const address = parseIp(text);
    return address !== undefined && contains(this.subnet, address) ? address : undefined;
  }
}
