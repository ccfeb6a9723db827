import type { Network, NetworkAttachmentSpec, Task } from "../../model/cluster.ts";
import type { TaskId } from "../../model/ids.ts";
import { isOutOfReach, isWanted } from "../orchestrator/instance.ts";
import type { Snapshot } from "../store/snapshot.ts";
import type { AddressBook } from "./address-book.ts";
import { slotAddressesOf } from "./slot-addresses.ts";

/**
 * Takes the address from the task that had the slot before, if that one is not to run any more and nobody will hear of its end: its
 * node is down or gone. It may run on there; no node is told of it as an endpoint any more, and it is stopped when its node is back.
 * One that can still be stopped gives its address up by ending.
 */
export function freeForSuccessor(
  view: Snapshot,
  options: {
    readonly task: Task;
    readonly network: Network;
    readonly wanted: string;
    readonly addresses: AddressBook;
    readonly released: Map<TaskId, Task>;
  },
): void {
  const { task, network, wanted, addresses, released } = options;
  const holder = addresses.holderOf(network, wanted);
  if (holder === undefined || typeof holder === "string") return;
  const isPredecessor = holder.serviceId === task.serviceId && holder.slot === task.slot && holder.id !== task.id;
  if (!isPredecessor || isWanted(holder) || !isOutOfReach(view, holder)) return;
  const now = released.get(holder.id) ?? holder; // It may have had addresses on several networks.
  const networks = now.networks.map(each => (each.networkId === network.id ? { ...each, addresses: [] } : each));
  released.set(holder.id, { ...now, networks });
  addresses.release(network, wanted);
}

/** Why a task has no address of its slot, for now. */
export function slotAddressReason(options: {
  readonly task: Task;
  readonly network: Network;
  readonly spec: NetworkAttachmentSpec;
  readonly wanted?: string;
  readonly addresses: AddressBook;
}): string {
  const { task, network, spec, wanted, addresses } = options;
  const { name } = network.spec;
  if (wanted === undefined)
    return `slot ${task.slot} has no address on network ${name}: ${slotAddressesOf(spec).length} are given`;
  const holder = addresses.holderOf(network, wanted);
  if (holder !== undefined) {
    const who = typeof holder === "string" ? holder : `task ${holder.id}`;
    return `address ${wanted} on network ${name} is held by ${who}`;
  }
  const keeper = addresses.keeperOf(network, wanted);
  if (keeper !== undefined && keeper !== task.serviceId)
    return `address ${wanted} on network ${name} is kept by service ${keeper}`;
  return network.ipam.length === 0 ? `network ${name} has no subnet yet` : `address ${wanted} is none of network ${name}`;
}
