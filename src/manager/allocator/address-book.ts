import type { Network } from "../../model/cluster.ts";
import type { NetworkId, ServiceId } from "../../model/ids.ts";
import { isTerminal } from "../../model/task-state.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { AddressPool } from "./address-pool.ts";
import type { AddressHolder } from "./address-pool.ts";
import { parseSubnet } from "./ipv4.ts";
import { keptAddresses } from "./slot-addresses.ts";

/** An address rests this long after its task ended, so that connections to the old one do not reach the new one. */
const REST_MS = 30_000;

/** Who has which address, read from the state once a turn and network, and kept up with what the turn gives out. */
export class AddressBook {
  readonly #view: Snapshot;
  readonly #nowMs: number;
  readonly #pools = new Map<NetworkId, AddressPool | undefined>();
  #services: ReadonlyMap<string, ServiceAddresses> | undefined;

  constructor(view: Snapshot, { nowMs }: { readonly nowMs: number }) {
    this.#view = view;
    this.#nowMs = nowMs;
  }

  /**
   * The one that is wanted, or the lowest free address of a network, in CIDR form; `undefined` when it is not allocated yet, taken or full.
   * @param options.serviceId - Whose wanted address it is: one that is kept for a service's slots is given to nobody else.
   */
  take(
    network: Network,
    { wanted, serviceId }: { readonly wanted?: string; readonly serviceId?: ServiceId } = {},
  ): string | undefined {
    const pool = this.#poolOf(network);
    return wanted === undefined ? pool?.take() : pool?.takeThis(wanted, { serviceId });
  }

  /** Who has the address; `undefined`: nobody. */
  holderOf(network: Network, address: string): AddressHolder | undefined {
    return this.#poolOf(network)?.holderOf(address);
  }

  /** For which service's slots the address is kept. */
  keeperOf(network: Network, address: string): ServiceId | undefined {
    return this.#poolOf(network)?.keeperOf(address);
  }

  /** Its holder has it no more. */
  release(network: Network, address: string): void {
    this.#poolOf(network)?.release(address);
  }

  #poolOf(network: Network): AddressPool | undefined {
    if (!this.#pools.has(network.id)) this.#pools.set(network.id, this.#read(network));
    return this.#pools.get(network.id);
  }

  #read(network: Network): AddressPool | undefined {
    const [ipam] = network.ipam;
    const subnet = ipam === undefined ? undefined : parseSubnet(ipam.subnet);
    if (ipam === undefined || subnet === undefined) return undefined;
    const range = ipam.ipRange === undefined ? subnet : (parseSubnet(ipam.ipRange) ?? subnet);
    const pool = new AddressPool({ subnet, range });
    pool.hold(ipam.gateway, "the gateway");
    for (const address of Object.values(ipam.auxiliaryAddresses ?? {})) pool.hold(address, "an auxiliary address");
    this.#services ??= addressesOfServices(this.#view);
    const { virtualIps = [], kept = [] } = this.#services.get(network.id) ?? {};
    for (const [address, name] of virtualIps) pool.hold(address, `service ${name}`);
    for (const [addresses, serviceId] of kept) pool.keep(addresses, serviceId);
    for (const task of this.#view.tasksOnNetwork(network.id)) {
      const isOver = isTerminal(task.status.state);
      if (isOver && this.#nowMs - task.status.atMs >= REST_MS) continue;
      for (const { networkId, addresses } of task.networks) {
        if (networkId !== network.id) continue;
        for (const address of addresses) {
          if (isOver) pool.rest(address);
          else pool.hold(address, task);
        }
      }
    }
    if (network.spec.isIngress) {
      for (const { id, ingressAddress } of this.#view.all("node"))
        if (ingressAddress !== undefined) pool.hold(ingressAddress, `node ${id}`);
    }
    return pool;
  }
}

/** Of one network. */
interface ServiceAddresses {
  /** With the services' names. */
  readonly virtualIps: (readonly [string, string])[];
  /** For services' slots. */
  readonly kept: (readonly [readonly number[], ServiceId])[];
}

function addressesOfServices(view: Snapshot): ReadonlyMap<string, ServiceAddresses> {
  const byNetwork = new Map<string, ServiceAddresses>();
  const on = (networkId: string): ServiceAddresses => {
    let known = byNetwork.get(networkId);
    if (known === undefined) byNetwork.set(networkId, (known = { virtualIps: [], kept: [] }));
    return known;
  };
  for (const service of view.all("service")) {
    for (const { networkId, address } of service.endpoint.virtualIps) on(networkId).virtualIps.push([address, service.spec.name]);
    for (const { networkId, addresses } of keptAddresses(service)) on(networkId).kept.push([addresses, service.id]);
  }
  return byNetwork;
}
