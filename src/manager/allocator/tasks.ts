import type { Revision, Task, TaskNetwork } from "../../model/cluster.ts";
import type { Snapshot } from "../store/snapshot.ts";
import type { AddressBook } from "./address-book.ts";
import { attachmentsOf } from "./attachments.ts";
import { noAddress } from "./endpoint.ts";

/** The task with an address on each of its networks, ready for the scheduler; or with the reason why it has to wait. */
export function allocateTask(
  view: Snapshot,
  options: { readonly task: Task; readonly revision: Revision; readonly addresses: AddressBook; readonly nowMs: number },
): Task {
  const { task, revision, addresses, nowMs } = options;
  const networks: TaskNetwork[] = [];
  for (const { network, aliases } of attachmentsOf(view, { task: revision.task, ports: revision.endpoint.ports })) {
    const address = addresses.take(network);
    if (address === undefined) return waiting(task, { reason: noAddress(network.spec.name), nowMs });
    networks.push({ networkId: network.id, addresses: [address], aliases });
  }
  return { ...task, networks, status: { state: "pending", atMs: nowMs, message: "pending task scheduling" } };
}

/** Unchanged when it says so already: a reason is written once. */
export function waiting(task: Task, { reason, nowMs }: { readonly reason: string; readonly nowMs: number }): Task {
  if (task.status.error === reason) return task;
  return { ...task, status: { ...task.status, atMs: nowMs, error: reason } };
}
