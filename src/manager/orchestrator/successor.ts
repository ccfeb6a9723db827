import type { Task } from "../../model/cluster.ts";
import { isDead, isOutOfReach, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";

/** A task for the instance, which starts when the ones to be stopped have ended and `delayMs` have passed. */
export function createSuccessor(planner: ServicePlanner, instance: Instance, { delayMs }: { readonly delayMs: number }): Task {
  const startNotBeforeMs = planner.nowMs + delayMs;
  const mustWait = delayMs > 0 || instance.tasks.some(task => isBlocking(planner, task));
  if (delayMs > 0) planner.wakeAt(startNotBeforeMs);
  return planner.create({
    slot: instance.slot,
    nodeId: instance.nodeId,
    desiredState: mustWait ? "ready" : planner.startedState,
    startNotBeforeMs: delayMs > 0 ? startNotBeforeMs : undefined,
  });
}

/** It is to end and has not, and its node would tell when it did. */
export function isBlocking({ view }: ServicePlanner, task: Task): boolean {
  return !isWanted(task) && !isDead(task) && !isOutOfReach(view, task);
}
