import type { NetworkAttachmentSpec, Network, Revision, Task, TaskNetwork } from "../../model/cluster.ts";
import type { TaskId } from "../../model/ids.ts";
import type { Snapshot } from "../store/snapshot.ts";
import type { AddressBook } from "./address-book.ts";
import { attachmentsOf } from "./attachments.ts";
import { noAddress } from "./endpoint.ts";
import { freeForSuccessor, slotAddressReason } from "./slot-handover.ts";
import { addressOfSlot } from "./slot-addresses.ts";

export interface TaskAllocation {
  readonly task: Task;
  readonly revision: Revision;
  readonly addresses: AddressBook;
  readonly nowMs: number;
  /** Tasks from which addresses were taken, as they are without them. */
  readonly released: Map<TaskId, Task>;
}

/** The task with an address on each of its networks, ready for the scheduler; or with the reason why it has to wait. */
export function allocateTask(view: Snapshot, options: TaskAllocation): Task {
  const { task, revision, nowMs } = options;
  const networks: TaskNetwork[] = [];
  for (const { network, aliases, spec } of attachmentsOf(view, { task: revision.task, ports: revision.endpoint.ports })) {
    const given = spec?.addresses === undefined ? anyAddress(network, options) : slotAddress(view, { ...options, network, spec });
    if ("reason" in given) return waiting(task, { reason: given.reason, nowMs });
    networks.push({ networkId: network.id, addresses: [given.address], aliases });
  }
  return { ...task, networks, status: { state: "pending", atMs: nowMs, message: "pending task scheduling" } };
}

type Given = { readonly address: string } | { readonly reason: string };

function anyAddress(network: Network, { addresses }: TaskAllocation): Given {
  const address = addresses.take(network);
  return address === undefined ? { reason: noAddress(network.spec.name) } : { address };
}

function slotAddress(
  view: Snapshot,
  options: TaskAllocation & { readonly network: Network; readonly spec: NetworkAttachmentSpec },
): Given {
  const { task, network, spec, addresses } = options;
  const wanted = addressOfSlot(spec, task.slot);
  if (wanted === undefined) return { reason: slotAddressReason(options) };
  freeForSuccessor(view, { ...options, wanted });
  const address = addresses.take(network, { wanted, serviceId: task.serviceId });
  return address === undefined ? { reason: slotAddressReason({ ...options, wanted }) } : { address };
}

/** Unchanged when it says so already: a reason is written once. */
export function waiting(task: Task, { reason, nowMs }: { readonly reason: string; readonly nowMs: number }): Task {
  if (task.status.error === reason) return task;
  return { ...task, status: { ...task.status, atMs: nowMs, error: reason } };
}
