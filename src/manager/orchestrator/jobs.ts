import { parseConstraint, satisfies } from "../../scheduler/constraint.ts";
import type { NodeId } from "../../model/ids.ts";
import { hasEndedByItself, isDead, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";
import { createSuccessor } from "./successor.ts";

/** Tasks of a job's earlier runs are taken down. @returns the instance with them as they become. */
export function endEarlierRuns(planner: ServicePlanner, instance: Instance): Instance {
  const isEarlier = (task: Instance["tasks"][number]) => isWanted(task) && !planner.isOfThisRun(task);
  if (!instance.tasks.some(isEarlier) || !planner.hasRoom()) return instance;
  const tasks = instance.tasks.map(task =>
    isEarlier(task) ? planner.setDesired(task, isDead(task) ? "shutdown" : "remove") : task,
  );
  return { ...instance, tasks };
}

/**
 * Fills slots, from 0, until so many tasks have completed; only so many run at a time.
 * @see SwarmKit manager/orchestrator/jobs/replicated/reconciler.go
 */
export function planReplicatedJob(
  planner: ServicePlanner,
  options: {
    readonly instances: ReadonlyMap<number, Instance>;
    readonly maxConcurrent: number;
    readonly totalCompletions: number;
  },
): void {
  const { instances, maxConcurrent, totalCompletions } = options;
  const taken = new Set<number>();
  let live = 0;
  for (const instance of instances.values()) {
    if (instance.tasks.some(isWanted)) live++;
    else if (!isOver(planner, instance)) continue;
    taken.add(instance.slot);
  }
  let missing = maxConcurrent - live;
  for (let slot = 0; missing > 0 && slot < totalCompletions; slot++) {
    if (taken.has(slot)) continue;
    if (!planner.hasRoom()) return;
    createSuccessor(planner, instances.get(slot) ?? { slot, tasks: [] }, { delayMs: 0 });
    missing--;
  }
}

/** Once on every node that the job's constraints allow, also on those that come later. */
export function planGlobalJob(planner: ServicePlanner, instances: ReadonlyMap<NodeId, Instance>): void {
  const constraints = (planner.revision.task.placement?.constraints ?? []).map(parseConstraint);
  for (const node of planner.view.all("node")) {
    if (node.status.state !== "ready" || node.spec.availability !== "active") continue;
    if (!constraints.every(constraint => satisfies(node, constraint))) continue;
    const instance = instances.get(node.id) ?? { slot: 0, nodeId: node.id, tasks: [] };
    if (instance.tasks.some(isWanted) || isOver(planner, instance)) continue;
    if (!planner.hasRoom()) return;
    createSuccessor(planner, instance, { delayMs: 0 });
  }
}

/** Its task of this run has completed, or has failed as often as it may. */
function isOver(planner: ServicePlanner, { tasks }: Instance): boolean {
  const last = tasks.findLast(task => planner.isOfThisRun(task));
  return last !== undefined && hasEndedByItself(last);
}
