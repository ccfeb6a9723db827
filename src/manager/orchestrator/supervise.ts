import type { Task } from "../../model/cluster.ts";
import { endOf } from "./elapsed.ts";
import { moveDrained, staysUntilReplaced } from "./drain.ts";
import { isDead, isOnItsWay, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import { mayRestart, restartDelayMs } from "./restart.ts";
import type { ServicePlanner } from "./service-plan.ts";
import { createSuccessor, isBlocking } from "./successor.ts";

/** A task waits this long for the one before it to end, then starts all the same. @see SwarmKit orchestrator/restart.go */
const PREDECESSOR_WAIT_MS = 60_000;

/** Replaces what ended, lost its node or is to leave it, lets waiting successors start, and takes out what a newer task has replaced. */
export function superviseInstance(planner: ServicePlanner, instance: Instance): Instance {
  if (isQuiet(planner, instance)) return instance;
  const tasks = moveDrained(planner, { ...instance, tasks: replaceEnded(planner, instance) });
  return { ...instance, tasks: dropReplaced(planner, startWaiting(planner, tasks)) };
}

/** Nearly every instance, nearly always: one task that is where it should be. */
function isQuiet(planner: ServicePlanner, { tasks }: Instance): boolean {
  const [only, ...others] = tasks;
  return (
    only !== undefined &&
    others.length === 0 &&
    only.desiredState === planner.startedState &&
    !isDead(only) &&
    !isOnItsWay(only) &&
    planner.nodeTrouble(only) === undefined
  );
}

function replaceEnded(planner: ServicePlanner, instance: Instance): readonly Task[] {
  const { service, revision } = planner;
  const hasEnded = (task: Task): boolean =>
    isDead(task) || (planner.nodeTrouble(task) !== undefined && !staysUntilReplaced(planner, instance, task));
  const ended = instance.tasks.filter(task => isWanted(task) && hasEnded(task));
  const last = ended.at(-1);
  if (last === undefined) return instance.tasks;
  const stopped = new Set(ended);
  const tasks = instance.tasks.map(task => (stopped.has(task) ? planner.setDesired(task, "shutdown") : task));
  const wanted = tasks.filter(isWanted);
  if (wanted.some(task => task.revisionId === service.revisionId)) return tasks;
  // An older task still serves: try the new revision again only while an update is under way, and only if it was tried here.
  const wasTried = ended.some(task => task.revisionId === service.revisionId);
  if (wanted.length > 0 && !(wasTried && isUpdating(planner))) return tasks;
  const trouble = isDead(last) ? undefined : planner.nodeTrouble(last);
  // A global service's task belongs to its node: it is made again when the node is back.
  if (trouble !== undefined && instance.nodeId !== undefined) return tasks;
  const earlier = instance.tasks.filter(task => task !== last && planner.isOfThisRun(task));
  if (!mayRestart(last, { restart: revision.task.restart, earlier, nowMs: planner.nowMs })) return tasks;
  const delayMs = trouble === undefined ? restartDelayMs(revision.task.restart) : 0;
  return [...tasks, createSuccessor(planner, { ...instance, tasks }, { delayMs })];
}

export function isUpdating({ service: { updateStatus } }: ServicePlanner): boolean {
  return updateStatus?.state === "updating" || updateStatus?.state === "rollback_started";
}

function startWaiting(planner: ServicePlanner, tasks: readonly Task[]): readonly Task[] {
  return tasks.map(task => {
    if (task.desiredState !== "ready" || isDead(task)) return task;
    const { createdAtMs: fromMs } = task;
    const delayMs = Math.max(0, (task.startNotBeforeMs ?? 0) - fromMs);
    const startNotBeforeMs = endOf({ fromMs, durationMs: delayMs }, planner.nowMs);
    if (startNotBeforeMs > planner.nowMs) {
      planner.wakeAt(startNotBeforeMs);
      return task;
    }
    const patienceEndsMs = endOf({ fromMs, durationMs: PREDECESSOR_WAIT_MS }, planner.nowMs);
    if (planner.nowMs < patienceEndsMs && tasks.some(other => other !== task && isBlocking(planner, other))) {
      planner.wakeAt(patienceEndsMs);
      return task;
    }
    return planner.setDesired(task, planner.startedState);
  });
}

/**
 * Once a task of the present revision runs where it can stay, the instance needs no other. Until then one of an older revision serves on, as it
 * may for long in an update; what that one has replaced, on a drained node say, goes.
 */
function dropReplaced(planner: ServicePlanner, tasks: readonly Task[]): readonly Task[] {
  const wanted = tasks.filter(isWanted);
  if (wanted.length < 2) return tasks;
  const isPresent = ({ revisionId }: Task) => revisionId === planner.service.revisionId;
  const canStay = (task: Task) =>
    task.status.state === "running" && task.desiredState === "running" && planner.nodeTrouble(task) === undefined;
  const present = wanted.findLast(task => isPresent(task) && canStay(task));
  const keeper = present ?? wanted.findLast(canStay);
  if (keeper === undefined) return tasks;
  const isReplaced = (task: Task) => task !== keeper && isWanted(task) && (present !== undefined || !isPresent(task));
  return tasks.map(task => (isReplaced(task) ? planner.setDesired(task, "shutdown") : task));
}
