import type { Node, PortConfig } from "../model/cluster.ts";
import type { NodeId, ServiceId } from "../model/ids.ts";
import type { GenericResource, NodeResources } from "../model/resources.ts";
import { claim, NO_GENERIC_RESOURCES, without } from "./generic-resources.ts";

/** A node as the scheduler sees it: what it is and what is on it. */
export interface NodeView {
  readonly node: Node;
  /** What the tasks on it have not reserved. */
  readonly available: Resources;
  /** Tasks that run or are about to. */
  readonly taskCount: number;
  readonly tasksByService: ReadonlyMap<ServiceId, number>;
  /** Taken host-mode ports, as `portKey` writes them. */
  readonly hostPorts: ReadonlySet<string>;
}

export type Resources = NodeResources;

export const NO_RESOURCES: Resources = { nanoCpus: 0, memoryBytes: 0 };

export function portKey({ protocol, publishedPort }: PortConfig): string {
  return `${protocol}/${publishedPort ?? 0}`;
}

/** A host-mode port without a number is picked by the node itself, so it never collides. */
export function reservedHostPorts(ports: readonly PortConfig[]): readonly string[] {
  return ports.filter(port => port.publishMode === "host" && (port.publishedPort ?? 0) !== 0).map(portKey);
}

/**
 * A node's view that takes tasks on while `place` runs, and its rank among the others, read once: a heap compares its nodes many times.
 * Each placement goes over all nodes, so what it asks of each is kept at hand.
 */
export class NodeLoad implements NodeView {
  readonly node: Node;
  /** It is up and takes new tasks. */
  readonly takesTasks: boolean;
  readonly tasksByService: Map<ServiceId, number>;
  readonly hostPorts: Set<string>;
  available: Resources;
  taskCount: number;
  /** The service that nodes were last ranked for, and how many of its tasks are here. */
  #rankedFor: ServiceId | undefined;
  #onService = 0;
  #share: number;
  readonly #order: number;

  constructor(view: NodeView) {
    this.node = view.node;
    this.takesTasks = view.node.status.state === "ready" && view.node.spec.availability === "active";
    this.available = view.available;
    this.taskCount = view.taskCount;
    this.tasksByService = new Map(view.tasksByService);
    this.hostPorts = new Set(view.hostPorts);
    this.#share = reservedShare(this);
    this.#order = orderOf(view.node.id);
  }

  get id(): NodeId {
    return this.node.id;
  }

  /** @returns how many of the service's tasks are here. */
  rankFor(serviceId: ServiceId): number {
    if (this.#rankedFor !== serviceId) {
      this.#rankedFor = serviceId;
      this.#onService = this.tasksByService.get(serviceId) ?? 0;
    }
    return this.#onService;
  }

  /** The next task goes rather here: fewer tasks of its service, then fewer of any, then less reserved. */
  isBefore(other: NodeLoad): boolean {
    if (this.#onService !== other.#onService) return this.#onService < other.#onService;
    if (this.taskCount !== other.taskCount) return this.taskCount < other.taskCount;
    if (this.#share !== other.#share) return this.#share < other.#share;
    return this.#order === other.#order ? this.id < other.id : this.#order < other.#order;
  }

  /** @returns What the task has of the node's generic resources. */
  take(request: {
    readonly serviceId: ServiceId;
    readonly reservations: Resources;
    readonly hostPorts: readonly string[];
  }): readonly GenericResource[] {
    const { nanoCpus, memoryBytes, generic: wanted = NO_GENERIC_RESOURCES } = request.reservations;
    const { generic = NO_GENERIC_RESOURCES } = this.available;
    const claimed = wanted.length === 0 ? NO_GENERIC_RESOURCES : claim(generic, wanted);
    this.available = {
      nanoCpus: this.available.nanoCpus - nanoCpus,
      memoryBytes: this.available.memoryBytes - memoryBytes,
      generic: without(generic, claimed),
    };
    this.#share = reservedShare(this);
    this.taskCount++;
    this.tasksByService.set(request.serviceId, (this.tasksByService.get(request.serviceId) ?? 0) + 1);
    if (request.serviceId === this.#rankedFor) this.#onService++;
    for (const port of request.hostPorts) this.hostPorts.add(port);
    return claimed;
  }
}

const ORDER_CHARACTERS = 4;
const ORDER_BITS = 7;
const CODE_MAX = 2 ** ORDER_BITS - 1;

/** A small integer for the first characters of an id, in the same order: most ids differ there, and comparing strings takes longer. */
function orderOf(id: NodeId): number {
  let order = 0;
  let isBeyond = false; // What comes after a character that has no room is for the strings to tell.
  for (let at = 0; at < ORDER_CHARACTERS; at++) {
    const code = at < id.length ? id.charCodeAt(at) : 0;
    isBeyond ||= code >= CODE_MAX;
    order = (order << ORDER_BITS) | (isBeyond ? CODE_MAX : code);
  }
  return order;
}

/** Reserved processors and memory as parts of the node's own, added up: 0 to 2. */
function reservedShare({ node, available }: NodeView): number {
  const total = node.description?.resources;
  if (total === undefined) return 0;
  return shareOf(available.nanoCpus, total.nanoCpus) + shareOf(available.memoryBytes, total.memoryBytes);
}

function shareOf(free: number, all: number): number {
  return all === 0 ? 0 : 1 - free / all;
}
