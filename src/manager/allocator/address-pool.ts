import type { Task } from "../../model/cluster.ts";
import type { ServiceId } from "../../model/ids.ts";
import { addressOf, formatAddress, sizeOf } from "./ipv4.ts";
import type { Subnet } from "./ipv4.ts";

/** Who has an address: a task, or what else it is, in words. */
export type AddressHolder = Task | string;

/** What is known of a subnet's addresses beforehand. Read, never written. */
export interface StoredAddresses {
  readonly holderOf: (address: number) => AddressHolder | undefined;
  readonly isHeld: (address: number) => boolean;
  /** Free, but given out only when nothing else is left. */
  readonly isResting: (address: number) => boolean;
  readonly resting: () => Iterable<number>;
}

const NONE: StoredAddresses = {
  holderOf: () => undefined,
  isHeld: () => false,
  isResting: () => false,
  resting: () => [],
};

/** The addresses of one subnet. */
export class AddressPool {
  readonly #prefixBits: number;
  readonly #base: number;
  readonly #broadcast: number;
  readonly #first: number;
  readonly #last: number;
  readonly #held = new Map<number, AddressHolder>();
  readonly #kept = new Map<number, ServiceId>();
  readonly #stored: StoredAddresses;
  /** Of those that are stored as held. */
  readonly #released = new Set<number>();
  #cursor: number;

  constructor({
    subnet,
    range,
    stored = NONE,
  }: { readonly subnet: Subnet; readonly range: Subnet; readonly stored?: StoredAddresses }) {
    this.#stored = stored;
    this.#prefixBits = subnet.prefixBits;
    // The subnet's own address and its broadcast address are nobody's.
    this.#base = subnet.base;
    this.#broadcast = subnet.base + sizeOf(subnet) - 1;
    this.#first = Math.max(range.base, this.#base + 1);
    this.#last = Math.min(range.base + sizeOf(range), this.#broadcast) - 1;
    this.#cursor = this.#first;
  }

  hold(address: string, holder: AddressHolder): void {
    const value = addressOf(address);
    if (value !== undefined) this.#held.set(value, holder);
  }

  holderOf(address: string): AddressHolder | undefined {
    const value = addressOf(address) ?? NaN;
    return this.#held.get(value) ?? (this.#released.has(value) ? undefined : this.#stored.holderOf(value));
  }

  release(address: string): void {
    const value = addressOf(address) ?? NaN;
    this.#held.delete(value);
    this.#released.add(value);
  }

  /** Given to no other service's tasks, and to this one's only when they are asked for. */
  keep(addresses: readonly number[], serviceId: ServiceId): void {
    for (const value of addresses) this.#kept.set(value, serviceId);
  }

  keeperOf(address: string): ServiceId | undefined {
    return this.#kept.get(addressOf(address) ?? NaN);
  }

  take(): string | undefined {
    for (; this.#cursor <= this.#last; this.#cursor++) {
      const value = this.#cursor;
      if (!this.#isTaken(value) && !this.#stored.isResting(value)) return this.#give(value);
    }
    for (const value of this.#stored.resting())
      if (!this.#isTaken(value) && value >= this.#first && value <= this.#last) return this.#give(value);
    return undefined;
  }

  /** Also one outside the range that is given out by itself. */
  takeThis(address: string, { serviceId }: { readonly serviceId?: ServiceId | undefined } = {}): string | undefined {
    const value = addressOf(address);
    if (value === undefined || this.#isHeld(value) || value <= this.#base || value >= this.#broadcast) return undefined;
    const keeper = this.#kept.get(value);
    if (keeper !== undefined && keeper !== serviceId) return undefined;
    return this.#give(value);
  }

  #isTaken(value: number): boolean {
    return this.#isHeld(value) || this.#kept.has(value);
  }

  #isHeld(value: number): boolean {
    return this.#held.has(value) || (!this.#released.has(value) && this.#stored.isHeld(value));
  }

  #give(value: number): string {
    this.#held.set(value, "another task");
    return `${formatAddress(value)}/${this.#prefixBits}`;
  }
}
