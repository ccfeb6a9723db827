import type { Task } from "../../model/cluster.ts";
import type { NodeId, TaskId } from "../../model/ids.ts";
import { holds, NO_GENERIC_RESOURCES, without } from "../../scheduler/generic-resources.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { isDead, isWanted } from "./instance.ts";

/** Tasks that have generic resources of which their node says that it has them no more: the newest go first. */
export function tasksWithoutResources(view: Snapshot, nodeId: NodeId): ReadonlySet<TaskId> {
  let left = view.get("node", nodeId)?.description?.resources.generic ?? NO_GENERIC_RESOURCES;
  const holders = [...view.tasksOfNode(nodeId)]
    .filter(task => task.genericResources !== undefined && isWanted(task) && !isDead(task))
    .sort(byAge);
  const lacking = new Set<TaskId>();
  for (const { id, genericResources = NO_GENERIC_RESOURCES } of holders) {
    if (holds(left, genericResources)) left = without(left, genericResources);
    else lacking.add(id);
  }
  return lacking;
}

function byAge(a: Task, b: Task): number {
  return a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);
}
