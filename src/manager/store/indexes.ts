import { assertNever } from "../../lib/assert.ts";
import type { Service, Task } from "../../model/cluster.ts";
import type { RevisionId } from "../../model/ids.ts";
import type { StoredObject } from "../../codec/entry.ts";
import { isTerminal } from "../../model/task-state.ts";
import { formatAddress } from "../allocator/ipv4.ts";
import { keptAddresses } from "../allocator/slot-addresses.ts";
import type { Trees } from "./state.ts";

/** A tree of the draft, ready to be written. */
type Writable = <Name extends keyof Trees>(name: Name) => Trees[Name];

const SLOT_DIGITS = 12;

function serviceKey(task: Task): string {
  return `${task.serviceId}/${String(task.slot).padStart(SLOT_DIGITS, "0")}/${task.nodeId ?? ""}/${task.id}`;
}

export function indexTask(tree: Writable, task: Task): void {
  tree("tasksByService").set(serviceKey(task), task);
  if (task.nodeId !== undefined) tree("tasksByNode").set(`${task.nodeId}/${task.id}`, task);
  for (const { networkId } of task.networks) tree("tasksOnNetwork").set(`${networkId}/${task.id}`, task);
  countUse(tree, task.revisionId, 1);
}

/** The indexes hold both under the same keys: a status went on, say, which is nearly every change of a task. */
export function isFoundAlike(a: Task, b: Task): boolean {
  return (
    a.serviceId === b.serviceId &&
    a.slot === b.slot &&
    a.nodeId === b.nodeId &&
    a.revisionId === b.revisionId &&
    isTerminal(a.status.state) === isTerminal(b.status.state) &&
    a.networks.length === b.networks.length &&
    a.networks.every(({ networkId, addresses }, at) => {
      const other = b.networks[at];
      return networkId === other?.networkId && addresses.join() === other.addresses.join();
    })
  );
}

/** In the place of one that is found alike. */
export function replaceTask(tree: Writable, task: Task): void {
  tree("tasksByService").set(serviceKey(task), task);
  if (task.nodeId !== undefined) tree("tasksByNode").set(`${task.nodeId}/${task.id}`, task);
  for (const { networkId } of task.networks) tree("tasksOnNetwork").set(`${networkId}/${task.id}`, task);
}

export function unindexTask(tree: Writable, task: Task): void {
  tree("tasksByService").delete(serviceKey(task));
  if (task.nodeId !== undefined) tree("tasksByNode").delete(`${task.nodeId}/${task.id}`);
  for (const { networkId } of task.networks) tree("tasksOnNetwork").delete(`${networkId}/${task.id}`);
  countUse(tree, task.revisionId, -1);
}

export function indexService(tree: Writable, service: Service): void {
  for (const key of referenceKeys(service)) tree("references").set(key, service);
  for (const id of revisionsOf(service)) countUse(tree, id, 1);
}

export function unindexService(tree: Writable, service: Service): void {
  for (const key of referenceKeys(service)) tree("references").delete(key);
  for (const id of revisionsOf(service)) countUse(tree, id, -1);
}

/** A service that is being removed starts no task any more: it needs none of them. */
function referenceKeys({ id, spec, isRemoving }: Service): string[] {
  if (isRemoving) return [];
  const { container, networks } = spec.task;
  return [
    ...(container.secrets ?? []).map(secret => `secret/${secret.id}/${id}`),
    ...(container.configs ?? []).map(config => `config/${config.id}/${id}`),
    ...networks.map(network => `network/${network.target}/${id}`),
  ];
}

/** What it has, and what it could go back to. */
function revisionsOf({ revisionId, previousRevisionId }: Service): readonly RevisionId[] {
  return previousRevisionId === undefined ? [revisionId] : [revisionId, previousRevisionId];
}

function countUse(tree: Writable, id: RevisionId, by: 1 | -1): void {
  const uses = tree("revisionUses");
  const count = (uses.get(id) ?? 0) + by;
  if (count === 0) uses.delete(id);
  else uses.set(id, count);
}

/** What an object holds that no other may hold at the same time: addresses, numbers. A task that has ended holds nothing. */
export function claimsOf({ table, object }: StoredObject): string[] {
  switch (table) {
    case "task":
      if (isTerminal(object.status.state)) return [];
      return object.networks.flatMap(({ networkId, addresses }) => addresses.map(address => addressClaim(networkId, address)));
    case "service":
      return [
        ...object.endpoint.virtualIps.map(({ networkId, address }) => addressClaim(networkId, address)),
        ...keptAddresses(object).flatMap(({ networkId, addresses }) =>
          addresses.map(address => `slot address ${formatAddress(address)} of network ${networkId}`),
        ),
      ];
    case "node":
      return [
        ...(object.ingressNumber === undefined ? [] : [`ingress number ${object.ingressNumber}`]),
        ...(object.ingressAddress === undefined ? [] : [`ingress address ${withoutPrefix(object.ingressAddress)}`]),
      ];
    case "network":
      return object.vxlanId === undefined ? [] : [`VXLAN id ${object.vxlanId}`];
    case "cluster":
    case "revision":
    case "secret":
    case "config":
      return [];
    default:
      return assertNever(table);
  }
}

function addressClaim(networkId: string, address: string): string {
  return `address ${withoutPrefix(address)} of network ${networkId}`;
}

function withoutPrefix(cidr: string): string {
  return cidr.split("/", 1)[0] ?? cidr;
}
