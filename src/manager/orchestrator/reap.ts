import type { Task } from "../../model/cluster.ts";
import type { Change } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { removal } from "../control-loop-draft.ts";
import { isDead, isOutOfReach, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";

/** @see SwarmKit manager/dispatcher/dispatcher.go: tasks of a node that is down for a day are given up. */
const ORPHAN_MS = 24 * 3_600_000;

/** Takes out tasks that are done with: removed ones, ones that never had a node, and history past its limit. */
export function reapInstance(planner: ServicePlanner, { tasks }: Instance): void {
  const [only, ...others] = tasks;
  if (only !== undefined && others.length === 0 && isWanted(only)) return;
  const kept = tasks.flatMap(task => reapOne(planner, task) ?? []);
  const surplus = kept.length - planner.historyLimit;
  // The newest stays whatever the limit: it tells whether its instance has finished.
  const old = kept.filter(task => isDead(task) && !isWanted(task) && task.id !== tasks.at(-1)?.id);
  for (const task of old.slice(0, Math.max(0, surplus))) planner.remove(task);
}

/** @returns the task as it becomes; `undefined`: it is gone. */
export function reapOne(planner: ServicePlanner, task: Task): Task | undefined {
  const { view } = planner;
  if (isWanted(task)) return task;
  const isOver = isDead(task) || task.nodeId === undefined;
  // A node that is down gets a full list of its tasks when it is back, and stops what is not on it.
  if (task.nodeId === undefined || (task.desiredState === "remove" && (isOver || isOutOfReach(view, task)))) {
    planner.remove(task);
    return undefined;
  }
  if (!isOver && isLost(planner, task)) {
    const status = { ...task.status, state: "orphaned", atMs: planner.nowMs, message: "task orphaned" } as const;
    return planner.put({ ...task, status });
  }
  return task;
}

/** Its node is gone, or has been down for so long that it is as good as gone. */
function isLost(planner: ServicePlanner, task: Task): boolean {
  const trouble = planner.nodeTrouble(task);
  const node = task.nodeId === undefined ? undefined : planner.view.get("node", task.nodeId);
  if (trouble !== "down" || node === undefined) return trouble === "gone";
  planner.wakeAt(node.updatedAtMs + ORPHAN_MS);
  return planner.nowMs >= node.updatedAtMs + ORPHAN_MS;
}

/** Revisions that nothing needs any more: no task runs them, and no service has them or could go back to them. */
export function unusedRevisions(view: Snapshot): readonly Change[] {
  const changes: Change[] = [];
  for (const revision of view.all("revision")) if (!view.revisionsInUse(revision.id)) changes.push(removal("revision", revision));
  return changes;
}
