import type { Task } from "../../model/cluster.ts";
import { isDead, isOnItsWay, isOutOfReach, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";

/**
 * Whether an instance needs nothing until one of its tasks, their node or the service is another. Nearly every one, nearly always.
 *
 * What it depends on besides its tasks has to be told to `ServiceTasks`: nodes one by one, revision and removal of the service by
 * `keepUpWith`, the cluster by making it anew.
 */
export function isSettled(planner: ServicePlanner, { tasks }: Instance): boolean {
  const { service } = planner;
  if (service.isRemoving) return tasks.every(task => isBeingRemoved(planner, task));
  if (service.spec.mode.kind !== "replicated") return false;
  const [only] = tasks;
  if (only !== undefined && tasks.length === 1) return isInPlace(planner, only);
  const wanted = tasks.filter(isWanted);
  const [serving] = wanted;
  return (
    serving !== undefined &&
    wanted.length === 1 &&
    isInPlace(planner, serving) &&
    tasks.length <= planner.historyLimit &&
    tasks.every(task => task === serving || isHistory(task))
  );
}

/** Told to run, alive, on a node that it may be on. Of which revision it is concerns updates alone. */
function isInPlace(planner: ServicePlanner, task: Task): boolean {
  return (
    task.desiredState === planner.startedState && !isDead(task) && !isOnItsWay(task) && planner.nodeTrouble(task) === undefined
  );
}

/** It is over, and kept to be looked at. */
function isHistory(task: Task): boolean {
  return isDead(task) && task.desiredState === "shutdown" && task.nodeId !== undefined;
}

/** Its node knows, and will say when it is done. */
function isBeingRemoved({ view }: ServicePlanner, task: Task): boolean {
  return task.desiredState === "remove" && task.nodeId !== undefined && !isDead(task) && !isOutOfReach(view, task);
}
