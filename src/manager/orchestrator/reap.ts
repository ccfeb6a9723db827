import type { Task } from "../../model/cluster.ts";
import type { Change } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { removal } from "../control-loop-draft.ts";
import { isDead, isOutOfReach, isWanted, nodeTrouble } from "./instance.ts";
import type { Instance } from "./instance.ts";
import { attemptsToRemember } from "./restart.ts";
import type { ServicePlanner } from "./service-plan.ts";

const HISTORY_DEFAULT = 5;

/** Takes out tasks that are done with: removed ones, ones that never had a node, and history past its limit. */
export function reapInstance(planner: ServicePlanner, { tasks }: Instance): void {
  const kept = tasks.filter(task => !reapOne(planner, task));
  const surplus = kept.length - historyLimit(planner);
  // The newest stays whatever the limit: it tells whether its instance has finished.
  const old = kept.filter(task => isDead(task) && !isWanted(task) && task !== tasks.at(-1));
  for (const task of old.slice(0, Math.max(0, surplus))) planner.remove(task);
}

/** @returns whether the task is gone. */
export function reapOne(planner: ServicePlanner, task: Task): boolean {
  const { view } = planner;
  if (isWanted(task)) return false;
  const isOver = isDead(task) || task.nodeId === undefined;
  // A node that is down gets a full list of its tasks when it is back, and stops what is not on it.
  if (task.nodeId === undefined || (task.desiredState === "remove" && (isOver || isOutOfReach(view, task)))) {
    planner.remove(task);
    return true;
  }
  if (!isOver && nodeTrouble(view, task) === "gone") {
    const status = { ...task.status, state: "orphaned", atMs: planner.nowMs, message: "node removed" } as const;
    planner.put({ ...task, status });
  }
  return false;
}

function historyLimit({ view, revision }: ServicePlanner): number {
  let limit = HISTORY_DEFAULT;
  for (const cluster of view.all("cluster")) limit = cluster.spec.taskHistoryLimit;
  const attempts = attemptsToRemember(revision.task.restart);
  return Math.max(limit, attempts === 0 ? 0 : attempts + 1);
}

/** Revisions that the removal of tasks left without use. @param after - The state with the removals. */
export function unusedRevisions(after: Snapshot, removed: readonly Task[]): readonly Change[] {
  const changes: Change[] = [];
  for (const id of new Set(removed.map(task => task.revisionId))) {
    const revision = after.get("revision", id);
    if (revision === undefined || after.revisionsInUse(id)) continue;
    const service = after.get("service", revision.serviceId);
    if (service?.revisionId === id || service?.previousRevisionId === id) continue;
    changes.push(removal("revision", revision));
  }
  return changes;
}
