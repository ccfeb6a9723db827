import type { NodeId, TaskId } from "../../model/ids.ts";
import { holds, NO_GENERIC_RESOURCES, without } from "../../scheduler/generic-resources.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { isDead, isWanted } from "./instance.ts";

/** Tasks that have generic resources of which their node says that it has them no more: the newest go first, and of one age those listed last. */
export function tasksWithoutResources(view: Snapshot, nodeId: NodeId): ReadonlySet<TaskId> {
  let left = view.get("node", nodeId)?.description?.resources.generic ?? NO_GENERIC_RESOURCES;
  const holders = [...view.tasksOfNode(nodeId)]
    .filter(task => task.genericResources !== undefined && isWanted(task) && !isDead(task))
    .sort((a, b) => a.createdAtMs - b.createdAtMs);
  const lacking = new Set<TaskId>();
  for (const { id, genericResources = NO_GENERIC_RESOURCES } of holders) {
    if (holds(left, genericResources)) left = without(left, genericResources);
    else lacking.add(id);
  }
  return lacking;
}
