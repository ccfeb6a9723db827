import { SECOND_FORMAT_LEVEL } from "../../codec/format-needs.ts";
import { hasSlotAddresses } from "../allocator/slot-addresses.ts";
import type { Revision, Task } from "../../model/cluster.ts";
import { hasEndedByItself, isOnItsWay, isServing, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import { mayRestart, restartDelayMs } from "./restart.ts";
import type { ServicePlanner } from "./service-plan.ts";
import { createSuccessor } from "./successor.ts";

/** A replacement that has found no node for this long is waited for no more. */
const PLACING_MS = 10_000;
/** Nor is one that does not run by then, with what was tried after it. */
const MOVING_MS = 120_000;

/** Whether a task of a drained node serves on until another one runs in its place. */
export function staysUntilReplaced(planner: ServicePlanner, instance: Instance, task: Task): boolean {
  return (
    planner.view.formatLevel >= SECOND_FORMAT_LEVEL && // Older managers lose the time that is kept with it.
    isServing(task) &&
    planner.nodeTrouble(task) === "drained" &&
    mayRunBesideItself(planner, instance, task) &&
    isReplaceable(planner, instance, task) &&
    planner.nowMs < patienceEndsMs(instance, task)
  );
}

/** Starts what replaces the instance's task on a drained node, as far as the node's moves allow. @returns its tasks as they are then. */
export function moveDrained(planner: ServicePlanner, instance: Instance): readonly Task[] {
  const tasks = instance.tasks.map(task =>
    isOnItsWay(task) && planner.nodeTrouble(task) === undefined ? stay(planner, task) : task,
  );
  const leaving = tasks.findLast(task => staysUntilReplaced(planner, instance, task));
  if (leaving?.nodeId === undefined) return tasks;
  planner.wakeAt(patienceEndsMs(instance, leaving));
  // Also one of an older revision, which is the update's to replace: a third task in the slot would be one too many.
  if (tasks.some(task => isWanted(task) && planner.nodeTrouble(task) === undefined)) return tasks;
  if (!isOnItsWay(leaving) && !planner.beginMove(leaving.nodeId)) return tasks;
  const marked = planner.put({ ...leaving, stopNotAfterMs: leaving.stopNotAfterMs ?? planner.nowMs + MOVING_MS });
  const hasFailed = tasks.slice(tasks.indexOf(leaving) + 1).some(hasEndedByItself);
  const delayMs = hasFailed ? restartDelayMs(planner.revision.task.restart) : 0;
  const others = tasks.map(task => (task === leaving ? marked : task));
  return [...others, createSuccessor(planner, { ...instance, tasks: others }, { delayMs })];
}

/** The node takes tasks again. */
function stay(planner: ServicePlanner, task: Task): Task {
  const { stopNotAfterMs: _, ...staying } = task;
  return planner.put(staying);
}

function patienceEndsMs({ tasks }: Instance, task: Task): number {
  const unplaced = tasks.filter(other => other !== task && isWanted(other) && other.nodeId === undefined);
  return Math.min(task.stopNotAfterMs ?? Infinity, ...unplaced.map(({ createdAtMs }) => createdAtMs + PLACING_MS));
}

/** Some node takes tasks, and the service's policy allows another one. */
function isReplaceable(planner: ServicePlanner, { tasks }: Instance, task: Task): boolean {
  const { revision, nowMs } = planner;
  const earlier = tasks.filter(other => other !== task);
  return planner.hasActiveNode && mayRestart(task, { restart: revision.task.restart, earlier, nowMs });
}

/** A job counts its runs, a global service's task belongs to its node, an address is one task's, and two writers of the same files are one too many. */
function mayRunBesideItself({ service, revision, view }: ServicePlanner, { nodeId }: Instance, task: Task): boolean {
  if (service.job !== undefined || nodeId !== undefined) return false;
  const own = view.get("revision", task.revisionId);
  return own !== undefined && [own, revision].every(each => !sharesFiles(each) && !hasSlotAddresses(each.task));
}

/** It writes to what outlives its container. */
function sharesFiles({ task: { container } }: Revision): boolean {
  return (container.mounts ?? []).some(
    ({ type, source, readOnly }) =>
      type !== "tmpfs" && type !== "image" && source !== undefined && source !== "" && readOnly !== true,
  );
}
