import type { Network } from "../../model/cluster.ts";
import type { NetworkId, NodeId, ServiceId } from "../../model/ids.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { AddressIndex } from "./address-index.ts";
import { AddressPool } from "./address-pool.ts";
import type { AddressHolder, StoredAddresses } from "./address-pool.ts";
import { parseSubnet } from "./ipv4.ts";
import { keptAddresses } from "./slot-addresses.ts";

/** Who has which address, as the state says, and kept up with what one turn or call gives out. */
export class AddressBook {
  readonly #view: Snapshot;
  readonly #nowMs: number;
  readonly #index: AddressIndex | undefined;
  readonly #pools = new Map<NetworkId, AddressPool | undefined>();
  #services: ReadonlyMap<string, ServiceAddresses> | undefined;

  /** @param options.index - Of the tasks and nodes, but for what this turn made of them; without one they are read here. */
  constructor(view: Snapshot, { nowMs, index }: { readonly nowMs: number; readonly index?: AddressIndex }) {
    this.#view = view;
    this.#nowMs = nowMs;
    this.#index = index;
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
    const index = this.#index ?? indexOf(this.#view, network);
    const pool = new AddressPool({ subnet, range, stored: this.#stored(network, index) });
    pool.hold(ipam.gateway, "the gateway");
    for (const address of Object.values(ipam.auxiliaryAddresses ?? {})) pool.hold(address, "an auxiliary address");
    this.#services ??= addressesOfServices(this.#view);
    const { virtualIps = [], kept = [] } = this.#services.get(network.id) ?? {};
    for (const [address, name] of virtualIps) pool.hold(address, `service ${name}`);
    for (const [addresses, serviceId] of kept) pool.keep(addresses, serviceId);
    return pool;
  }

  #stored({ id, spec }: Network, index: AddressIndex): StoredAddresses {
    const { held, resting } = index.on(id);
    const nodes = spec.isIngress ? index.nodes : NO_NODES;
    return {
      isHeld: address => held.has(address) || nodes.has(address),
      holderOf: address => {
        const taskId = held.get(address);
        if (taskId !== undefined) return this.#view.get("task", taskId);
        const nodeId = nodes.get(address);
        return nodeId && `node ${nodeId}`;
      },
      isResting: address => (resting.get(address) ?? 0) > this.#nowMs,
      resting: () => resting.keys(),
    };
  }
}

const NO_NODES: ReadonlyMap<number, NodeId> = new Map();

function indexOf(view: Snapshot, network: Network): AddressIndex {
  const index = new AddressIndex();
  for (const task of view.tasksOnNetwork(network.id)) index.noteTask(task.id, task);
  if (network.spec.isIngress) for (const node of view.all("node")) index.noteNode(node.id, node);
  return index;
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
