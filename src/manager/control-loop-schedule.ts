import type { Revision, Task } from "../model/cluster.ts";
import type { NodeId } from "../model/ids.ts";
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
  return tasks.map(task => {
    const nodeId = assigned.get(task.id);
    if (nodeId !== undefined) return onNode(view, { task, nodeId, resources: claimed.get(task.id), nowMs });
    const reason = reasons.get(task.id);
    return reason === undefined ? task : waiting(task, { reason, nowMs });
  });
}

function onNode(
  view: Snapshot,
  {
    task,
    nodeId,
    resources,
    nowMs,
  }: {
    readonly task: Task;
    readonly nodeId: NodeId;
    readonly resources: readonly GenericResource[] | undefined;
    readonly nowMs: number;
  },
): Task {
  const ports = view.get("revision", task.revisionId)?.endpoint.ports ?? [];
  const message =
    task.nodeId === undefined ? "scheduler assigned task to node" : "scheduler confirmed task can run on preassigned node";
  const hostPorts = ports.filter(port => port.publishMode === "host");
  const genericResources = resources === undefined ? {} : { genericResources: resources };
  return { ...task, nodeId, hostPorts, ...genericResources, status: { state: "assigned", atMs: nowMs, message } };
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
