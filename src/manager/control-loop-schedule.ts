import type { Revision, Task } from "../model/cluster.ts";
import type { NodeId, RevisionId } from "../model/ids.ts";
import type { GenericResource } from "../model/resources.ts";
import { NO_RESOURCES, reservedHostPorts } from "../scheduler/node-view.ts";
import type { PlacementRequest } from "../scheduler/place.ts";
import { waiting } from "./allocator/tasks.ts";
import type { NodeUsage } from "./control-loop-usage.ts";
import { isWanted } from "./orchestrator/instance.ts";
import type { Change } from "./store/change.ts";
import type { Snapshot } from "./store/snapshot.ts";

/** The tasks, those that are allocated with a node or the reason why they have none. */
export function planSchedule(
  view: Snapshot,
  options: {
    readonly tasks: readonly Task[];
    readonly usage: NodeUsage;
    /** Of this turn. */
    readonly planned: readonly Change[];
    readonly nowMs: number;
  },
): readonly Task[] {
  const { tasks, usage, planned, nowMs } = options;
  const requests: PlacementRequest[] = [];
  for (const task of tasks) {
    const revision = needsNode(task) ? view.get("revision", task.revisionId) : undefined;
    if (revision !== undefined) requests.push(requestOf(task, revision));
  }
  if (requests.length === 0) return tasks;
  const { assigned, claimed, reasons } = usage.place(view, { requests, changes: planned });
  const hostPorts = new Map<RevisionId, Task["hostPorts"]>();
  return tasks.map(task => {
    const nodeId = assigned.get(task.id);
    if (nodeId !== undefined) {
      const { revisionId } = task;
      let ports = hostPorts.get(revisionId);
      if (ports === undefined) hostPorts.set(revisionId, (ports = hostPortsOf(view.get("revision", revisionId))));
      return onNode(task, { nodeId, hostPorts: ports, genericResources: claimed.get(task.id), nowMs });
    }
    const reason = reasons.get(task.id);
    return reason === undefined ? task : waiting(task, { reason, nowMs });
  });
}

function onNode(
  task: Task,
  given: {
    readonly nodeId: NodeId;
    readonly hostPorts: Task["hostPorts"];
    readonly genericResources: readonly GenericResource[] | undefined;
    readonly nowMs: number;
  },
): Task {
  const { nodeId, hostPorts, genericResources, nowMs } = given;
  const message =
    task.nodeId === undefined ? "scheduler assigned task to node" : "scheduler confirmed task can run on preassigned node";
  // A field added to a spread gives each object a shape of its own in V8, and whatever reads it takes ten times as long.
  const placed = { nodeId, hostPorts, status: { state: "assigned", atMs: nowMs, message } } as const;
  return Object.assign({}, task, placed, genericResources === undefined ? {} : { genericResources });
}

function hostPortsOf(revision: Revision | undefined): Task["hostPorts"] {
  return revision?.endpoint.ports.filter(({ publishMode }) => publishMode === "host") ?? [];
}

function needsNode(task: Task): boolean {
  return task.status.state === "pending" && isWanted(task);
}

function requestOf(task: Task, { task: template, endpoint }: Revision): PlacementRequest {
  const { nanoCpus = 0, memoryBytes = 0, generic } = template.resources?.reservations ?? NO_RESOURCES;
  return {
    taskId: task.id,
    serviceId: task.serviceId,
    revisionId: task.revisionId,
    ...(task.nodeId !== undefined && { nodeId: task.nodeId }),
    reservations: { nanoCpus, memoryBytes, ...(generic !== undefined && { generic }) },
    placement: template.placement ?? {},
    hostPorts: reservedHostPorts(endpoint.ports),
  };
}
