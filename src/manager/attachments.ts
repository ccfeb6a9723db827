import type { Task } from "../model/cluster.ts";
import { asId, type NodeId, type ServiceId } from "../model/ids.ts";
import type { AddressBook } from "./allocator/address-book.ts";
import { noAddress } from "./allocator/endpoint.ts";
import { waiting } from "./allocator/tasks.ts";
import { putTask, removal } from "./control-loop-draft.ts";
import type { Change } from "./store/change.ts";
import type { Snapshot } from "./store/snapshot.ts";

/** Whose tasks containers made by hand are: looked at, in its turn, like a service's. */
export const NO_SERVICE = asId<ServiceId>("");

/** Gives containers made by hand their address on the network that they asked for, and forgets those of nodes that are gone. */
export function planAttachments(
  view: Snapshot,
  { addresses, nowMs, budget }: { readonly addresses: AddressBook; readonly nowMs: number; readonly budget: number },
): {
  readonly changes: readonly Change[];
  /** Something is left for the next turn. */
  readonly isPartial: boolean;
  /** There is no address for one of them. */
  readonly isWaiting: boolean;
} {
  const changes: Change[] = [];
  let isWaiting = false;
  for (const task of view.tasksOfService(NO_SERVICE)) {
    if (changes.length >= budget) return { changes, isPartial: true, isWaiting };
    if (view.get("node", task.nodeId ?? asId<NodeId>("")) === undefined) changes.push(removal("task", task));
    else if (task.status.state === "new") {
      const next = allocate(view, task, { addresses, nowMs });
      isWaiting ||= next.status.state === "new";
      if (next !== task) changes.push(putTask(next));
    }
  }
  return { changes, isPartial: false, isWaiting };
}

/** From then on it is where the others reach it: there is nothing to wait for. */
function allocate(
  view: Snapshot,
  task: Task,
  { addresses, nowMs }: { readonly addresses: AddressBook; readonly nowMs: number },
): Task {
  const wanted = task.attachment?.wantedAddresses[0];
  const networks = task.networks.map(attached => {
    const network = view.get("network", attached.networkId);
    const address = network && addresses.take(network, wanted === undefined ? {} : { wanted });
    return { ...attached, addresses: address === undefined ? [] : [address] };
  });
  const missing = networks.find(network => network.addresses.length === 0);
  if (missing === undefined) return { ...task, networks, status: { state: "running", atMs: nowMs, message: "started" } };
  const name = view.get("network", missing.networkId)?.spec.name ?? missing.networkId;
  return waiting(task, { reason: noAddress(name), nowMs });
}
