import type { Task } from "../model/cluster.ts";
import type { NodeId, ServiceId, TaskId } from "../model/ids.ts";
import type { NodeView } from "../scheduler/node-view.ts";
import { NO_RESOURCES, reservedHostPorts } from "../scheduler/node-view.ts";
import type { Resources } from "../scheduler/node-view.ts";
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
  taskCount: number;
  readonly tasksByService: Map<ServiceId, number>;
  readonly ports: Map<string, number>;
}

/** What is in use on each node: derived from the tasks, kept up as they change, made anew by every leader. */
export class NodeUsage {
  readonly #shares = new Map<TaskId, Share>();
  readonly #usage = new Map<NodeId, Usage>();

  /** Reads every task. */
  rebuild(view: Snapshot): void {
    this.#shares.clear();
    this.#usage.clear();
    for (const task of view.all("task")) this.#enter(task.id, shareOf(view, task));
  }

  refresh(view: Snapshot, taskIds: Iterable<string>): void {
    for (const id of taskIds as Iterable<TaskId>) {
      const task = view.get("task", id);
      this.#enter(id, task === undefined ? undefined : shareOf(view, task));
    }
  }

  /** Every node as it would be with `changes`, which are taken back before this returns. */
  views(view: Snapshot, changes: readonly Change[]): readonly NodeView[] {
    const before: (readonly [TaskId, Share | undefined])[] = [];
    for (const change of changes) {
      if (change.table !== "task") continue;
      const id = (change.kind === "put" ? change.object.id : change.id) as TaskId;
      before.push([id, this.#shares.get(id)]);
      this.#enter(id, change.kind === "put" ? shareOf(view, change.object) : undefined);
    }
    const views = [...view.all("node")].map(node => {
      const total = node.description?.resources ?? NO_RESOURCES;
      const usage = this.#usage.get(node.id);
      return {
        node,
        available: {
          nanoCpus: total.nanoCpus - (usage?.nanoCpus ?? 0),
          memoryBytes: total.memoryBytes - (usage?.memoryBytes ?? 0),
        },
        taskCount: usage?.taskCount ?? 0,
        tasksByService: new Map(usage?.tasksByService),
        hostPorts: new Set(usage?.ports.keys()),
      };
    });
    for (const [id, share] of before) this.#enter(id, share);
    return views;
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
    let usage = this.#usage.get(nodeId);
    if (usage === undefined) {
      usage = { nanoCpus: 0, memoryBytes: 0, taskCount: 0, tasksByService: new Map(), ports: new Map() };
      this.#usage.set(nodeId, usage);
    }
    usage.nanoCpus += sign * reservations.nanoCpus;
    usage.memoryBytes += sign * reservations.memoryBytes;
    for (const port of ports) addTo(usage.ports, { key: port, amount: sign });
    if (!isActive) return;
    usage.taskCount += sign;
    addTo(usage.tasksByService, { key: serviceId, amount: sign });
  }
}

function shareOf(view: Snapshot, task: Task): Share | undefined {
  if (task.nodeId === undefined || task.status.state === "new" || task.status.state === "pending" || isDead(task))
    return undefined;
  const reserved = view.get("revision", task.revisionId)?.task.resources?.reservations;
  return {
    nodeId: task.nodeId,
    serviceId: task.serviceId,
    reservations: { nanoCpus: reserved?.nanoCpus ?? 0, memoryBytes: reserved?.memoryBytes ?? 0 },
    ports: reservedHostPorts(task.hostPorts),
    isActive: isWanted(task),
  };
}

function addTo<Key>(counts: Map<Key, number>, { key, amount }: { readonly key: Key; readonly amount: number }): void {
  const count = (counts.get(key) ?? 0) + amount;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
