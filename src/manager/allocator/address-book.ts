import type { Network } from "../../model/cluster.ts";
import type { NetworkId } from "../../model/ids.ts";
import { isTerminal } from "../../model/task-state.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { addressOf, formatAddress, parseSubnet, sizeOf } from "./ipv4.ts";
import type { Subnet } from "./ipv4.ts";

/** An address rests this long after its task ended, so that connections to the old one do not reach the new one. */
const REST_MS = 30_000;

/** Who has which address, read from the state once a turn and network, and kept up with what the turn gives out. */
export class AddressBook {
  readonly #view: Snapshot;
  readonly #nowMs: number;
  readonly #pools = new Map<NetworkId, AddressPool | undefined>();
  #virtualIps: ReadonlyMap<NetworkId, readonly string[]> | undefined;

  constructor(view: Snapshot, { nowMs }: { readonly nowMs: number }) {
    this.#view = view;
    this.#nowMs = nowMs;
  }

  /** The one that is wanted, or the lowest free address of a network, in CIDR form; `undefined` when it is not allocated yet, taken or full. */
  take(network: Network, { wanted }: { readonly wanted?: string } = {}): string | undefined {
    if (!this.#pools.has(network.id)) this.#pools.set(network.id, this.#read(network));
    const pool = this.#pools.get(network.id);
    return wanted === undefined ? pool?.take() : pool?.takeThis(wanted);
  }

  #read(network: Network): AddressPool | undefined {
    const [ipam] = network.ipam;
    const subnet = ipam === undefined ? undefined : parseSubnet(ipam.subnet);
    if (ipam === undefined || subnet === undefined) return undefined;
    const range = ipam.ipRange === undefined ? subnet : (parseSubnet(ipam.ipRange) ?? subnet);
    const pool = new AddressPool({ subnet, range });
    pool.hold(ipam.gateway);
    for (const address of Object.values(ipam.auxiliaryAddresses ?? {})) pool.hold(address);
    this.#virtualIps ??= virtualIpsByNetwork(this.#view);
    for (const address of this.#virtualIps.get(network.id) ?? []) pool.hold(address);
    for (const task of this.#view.tasksOnNetwork(network.id)) {
      const isOver = isTerminal(task.status.state);
      if (isOver && this.#nowMs - task.status.atMs >= REST_MS) continue;
      for (const { networkId, addresses } of task.networks) {
        if (networkId !== network.id) continue;
        for (const address of addresses) {
          if (isOver) pool.rest(address);
          else pool.hold(address);
        }
      }
    }
    if (network.spec.isIngress) {
      for (const node of this.#view.all("node")) if (node.ingressAddress !== undefined) pool.hold(node.ingressAddress);
    }
    return pool;
  }
}

function virtualIpsByNetwork(view: Snapshot): ReadonlyMap<NetworkId, readonly string[]> {
  const byNetwork = new Map<NetworkId, string[]>();
  for (const { endpoint } of view.all("service")) {
    for (const { networkId, address } of endpoint.virtualIps) {
      const addresses = byNetwork.get(networkId);
      if (addresses === undefined) byNetwork.set(networkId, [address]);
      else addresses.push(address);
    }
  }
  return byNetwork;
}

/** The addresses of one subnet. */
export class AddressPool {
  readonly #prefixBits: number;
  readonly #base: number;
  readonly #broadcast: number;
  readonly #first: number;
  readonly #last: number;
  readonly #held = new Set<number>();
  readonly #resting = new Set<number>();
  #cursor: number;

  constructor({ subnet, range }: { readonly subnet: Subnet; readonly range: Subnet }) {
    this.#prefixBits = subnet.prefixBits;
    // The subnet's own address and its broadcast address are nobody's.
    this.#base = subnet.base;
    this.#broadcast = subnet.base + sizeOf(subnet) - 1;
    this.#first = Math.max(range.base, this.#base + 1);
    this.#last = Math.min(range.base + sizeOf(range), this.#broadcast) - 1;
    this.#cursor = this.#first;
  }

  hold(address: string): void {
    const value = addressOf(address);
    if (value !== undefined) this.#held.add(value);
  }

  /** Free, but given out only when nothing else is left. */
  rest(address: string): void {
    const value = addressOf(address);
    if (value !== undefined) this.#resting.add(value);
  }

  take(): string | undefined {
    for (; this.#cursor <= this.#last; this.#cursor++) {
      if (!this.#held.has(this.#cursor) && !this.#resting.has(this.#cursor)) return this.#give(this.#cursor);
    }
    for (const value of this.#resting) {
      if (this.#held.has(value) || value < this.#first || value > this.#last) continue;
      this.#resting.delete(value);
      return this.#give(value);
    }
    return undefined;
  }

  /** Also one outside the range that is given out by itself. */
  takeThis(address: string): string | undefined {
    const value = addressOf(address);
    if (value === undefined || this.#held.has(value) || value <= this.#base || value >= this.#broadcast) return undefined;
    this.#resting.delete(value);
    return this.#give(value);
  }

  #give(value: number): string {
    this.#held.add(value);
    return `${formatAddress(value)}/${this.#prefixBits}`;
  }
}
