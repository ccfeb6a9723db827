import type { Revision, Service, Task } from "../model/cluster.ts";
import { NO_RESOURCES, reservedHostPorts } from "../scheduler/node-view.ts";
import { place } from "../scheduler/place.ts";
import type { PlacementRequest } from "../scheduler/place.ts";
import { waiting } from "./allocator/tasks.ts";
import { putTask } from "./control-loop-draft.ts";
import type { NodeUsage } from "./control-loop-usage.ts";
import { isWanted } from "./orchestrator/instance.ts";
import type { Change } from "./store/change.ts";
import type { Snapshot } from "./store/snapshot.ts";

/** Gives the allocated tasks of these services a node, or the reason why they have none. */
export function planSchedule(
  view: Snapshot,
  options: {
    readonly services: readonly Service[];
    readonly usage: NodeUsage;
    /** Of this turn. */
    readonly planned: readonly Change[];
    readonly nowMs: number;
    readonly changesMax: number;
  },
): readonly Change[] {
  const { services, usage, planned, nowMs, changesMax } = options;
  const waitingTasks = services.flatMap(service => [...view.tasksOfService(service.id)].filter(needsNode));
  if (waitingTasks.length === 0) return [];
  const entries = waitingTasks.flatMap(task => {
    const revision = view.get("revision", task.revisionId);
    return revision === undefined ? [] : [{ task, request: requestOf(task, revision), revision }];
  });
  const { assigned, reasons } = place(
    entries.map(({ request }) => request),
    usage.views(view, planned),
  );
  const changes = entries.flatMap(({ task, revision }) => {
    const nodeId = assigned.get(task.id);
    if (nodeId === undefined) {
      const next = waiting(task, { reason: reasons.get(task.id) ?? "no suitable node", nowMs });
      return next === task ? [] : [putTask(next)];
    }
    const message =
      task.nodeId === undefined ? "scheduler assigned task to node" : "scheduler confirmed task can run on preassigned node";
    const hostPorts = revision.endpoint.ports.filter(port => port.publishMode === "host");
    return [putTask({ ...task, nodeId, hostPorts, status: { state: "assigned", atMs: nowMs, message } })];
  });
  // Nodes first, reasons after: what does not fit into this turn is decided again in the next.
  return changes.toSorted((a, b) => Number(isPlaced(b)) - Number(isPlaced(a))).slice(0, changesMax);
}

function isPlaced(change: Change): boolean {
  return change.kind === "put" && change.table === "task" && change.object.status.state === "assigned";
}

export function needsNode(task: Task): boolean {
  return task.status.state === "pending" && isWanted(task);
}

function requestOf(task: Task, { task: template, endpoint }: Revision): PlacementRequest {
  const { nanoCpus = 0, memoryBytes = 0 } = template.resources?.reservations ?? NO_RESOURCES;
  return {
    taskId: task.id,
    serviceId: task.serviceId,
    revisionId: task.revisionId,
    ...(task.nodeId !== undefined && { nodeId: task.nodeId }),
    reservations: { nanoCpus, memoryBytes },
    placement: template.placement ?? {},
    hostPorts: reservedHostPorts(endpoint.ports),
  };
}
