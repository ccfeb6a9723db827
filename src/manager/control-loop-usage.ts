import type { Node, Task } from "../model/cluster.ts";
import type { NodeId, ServiceId, TaskId } from "../model/ids.ts";
import type { GenericResource, ResourceRequirements } from "../model/resources.ts";
import { without } from "../scheduler/generic-resources.ts";
import type { NodeView } from "../scheduler/node-view.ts";
import { NO_RESOURCES, NodeLoad, reservedHostPorts } from "../scheduler/node-view.ts";
import type { Resources } from "../scheduler/node-view.ts";
import { placeOn } from "../scheduler/place.ts";
import type { PlacementRequest, PlacementResult } from "../scheduler/place.ts";
import { isDead, isWanted } from "./orchestrator/instance.ts";
import type { Change } from "./store/change.ts";
import type { Snapshot } from "./store/snapshot.ts";

/** What one task takes of its node. */
interface Share {
  readonly nodeId: NodeId;
  readonly serviceId: ServiceId;
  readonly reservations: Resources;
  readonly ports: readonly string[];
  /** It counts for spreading: it runs or will, and is not on its way out. */
  readonly isActive: boolean;
}

interface Usage {
  nanoCpus: number;
  memoryBytes: number;
  /** What tasks have, each list a task's; missing while none has any. */
  generic?: Set<readonly GenericResource[]>;
  taskCount: number;
  readonly tasksByService: Map<ServiceId, number>;
  readonly ports: Map<string, number>;
}

const NO_PORTS: readonly string[] = [];

/** What is in use on each node: derived from the tasks, kept up as they change, made anew by every leader. */
export class NodeUsage {
  readonly #shares = new Map<TaskId, Share>();
  readonly #usage = new Map<NodeId, Usage>();
  /** The nodes for the scheduler, as of the last placement but for `#stale` ones. */
  readonly #loads = new Map<NodeId, NodeLoad>();
  readonly #stale = new Set<NodeId>();

  /** What it takes now is that of `task`; without one, nothing. */
  put(view: Snapshot, { id, task }: { readonly id: TaskId; readonly task: Task | undefined }): void {
    this.#enter(id, task === undefined ? undefined : shareOf(view, task));
  }

  /** Places the requests as the nodes would be with `changes`. All of it is taken back before this returns. */
  place(
    view: Snapshot,
    { requests, changes }: { readonly requests: readonly PlacementRequest[]; readonly changes: readonly Change[] },
  ): PlacementResult {
    const before: (readonly [TaskId, Share | undefined])[] = [];
    for (const change of changes) {
      if (change.table !== "task") continue;
      const id = (change.kind === "put" ? change.object.id : change.id) as TaskId;
      const share = change.kind === "put" ? shareOf(view, change.object) : undefined;
      if (share === undefined && !this.#shares.has(id)) continue;
      before.push([id, this.#shares.get(id)]);
      this.#enter(id, share);
    }
    this.#renewLoads(view);
    const result = placeOn(requests, this.#loads);
    for (const nodeId of result.assigned.values()) this.#stale.add(nodeId);
    for (const [id, share] of before) this.#enter(id, share);
    return result;
  }

  /** The node itself is another, or gone. Seen to now: the first placement on 10,000 new nodes would be a long one. */
  noteNode(view: Snapshot, id: NodeId): void {
    const node = view.get("node", id);
    if (node === undefined) this.#loads.delete(id);
    else this.#loads.set(id, new NodeLoad(this.#viewOf(node)));
    this.#stale.delete(id);
  }

  /** Only those that changed are made anew: most of 10,000 nodes are as they were in the last turn. */
  #renewLoads(view: Snapshot): void {
    for (const id of this.#stale) this.noteNode(view, id);
  }

  #viewOf(node: Node): NodeView {
    const total = node.description?.resources ?? NO_RESOURCES;
    const usage = this.#usage.get(node.id);
    return {
      node,
      available: {
        nanoCpus: total.nanoCpus - (usage?.nanoCpus ?? 0),
        memoryBytes: total.memoryBytes - (usage?.memoryBytes ?? 0),
        ...(total.generic !== undefined && { generic: without(total.generic, [...(usage?.generic ?? [])].flat()) }),
      },
      taskCount: usage?.taskCount ?? 0,
      tasksByService: usage?.tasksByService ?? new Map(),
      hostPorts: new Set(usage?.ports.keys()),
    };
  }

  #enter(id: TaskId, share: Share | undefined): void {
    const old = this.#shares.get(id);
    if (old !== undefined) this.#count(old, -1);
    if (share === undefined) this.#shares.delete(id);
    else {
      this.#shares.set(id, share);
      this.#count(share, 1);
    }
  }

  #count({ nodeId, serviceId, reservations, ports, isActive }: Share, sign: 1 | -1): void {
    this.#stale.add(nodeId);
    let usage = this.#usage.get(nodeId);
    if (usage === undefined) {
      usage = { nanoCpus: 0, memoryBytes: 0, taskCount: 0, tasksByService: new Map(), ports: new Map() };
      this.#usage.set(nodeId, usage);
    }
    usage.nanoCpus += sign * reservations.nanoCpus;
    usage.memoryBytes += sign * reservations.memoryBytes;
    if (reservations.generic !== undefined) {
      usage.generic ??= new Set();
      if (sign === 1) usage.generic.add(reservations.generic);
      else usage.generic.delete(reservations.generic);
    }
    for (const port of ports) addTo(usage.ports, { key: port, amount: sign });
    if (!isActive) return;
    usage.taskCount += sign;
    addTo(usage.tasksByService, { key: serviceId, amount: sign });
  }
}

function shareOf(view: Snapshot, task: Task): Share | undefined {
  if (task.attachment !== undefined) return undefined; // Whatever it takes, nobody promised it.
  if (task.nodeId === undefined || task.status.state === "new" || task.status.state === "pending" || isDead(task))
    return undefined;
  const reserved = view.get("revision", task.revisionId)?.task.resources?.reservations;
  return {
    nodeId: task.nodeId,
    serviceId: task.serviceId,
    reservations: reserved === undefined ? NO_RESOURCES : reservationsOf(reserved, task),
    ports: task.hostPorts.length === 0 ? NO_PORTS : reservedHostPorts(task.hostPorts),
    isActive: isWanted(task),
  };
}

/** Of generic resources what the task was given when it was placed, not what its service asks for. */
function reservationsOf(
  { nanoCpus = 0, memoryBytes = 0 }: NonNullable<ResourceRequirements["reservations"]>,
  { genericResources }: Task,
): Resources {
  return { nanoCpus, memoryBytes, ...(genericResources !== undefined && { generic: genericResources }) };
}

function addTo<Key>(counts: Map<Key, number>, { key, amount }: { readonly key: Key; readonly amount: number }): void {
  const count = (counts.get(key) ?? 0) + amount;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
