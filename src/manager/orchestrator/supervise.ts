import type { Task } from "../../model/cluster.ts";
import { isDead, isOutOfReach, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import { mayRestart, restartDelayMs } from "./restart.ts";
import type { ServicePlanner } from "./service-plan.ts";

/** A task waits this long for the one before it to end, then starts all the same. @see SwarmKit orchestrator/restart.go */
const PREDECESSOR_WAIT_MS = 60_000;

/** Replaces what ended or lost its node, lets waiting successors start, and takes out what a newer task has replaced. */
export function superviseInstance(planner: ServicePlanner, instance: Instance): Instance {
  if (isQuiet(planner, instance)) return instance;
  const tasks = replaceEnded(planner, instance);
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
    planner.nodeTrouble(only) === undefined
  );
}

function replaceEnded(planner: ServicePlanner, instance: Instance): readonly Task[] {
  const { service, revision } = planner;
  const ended = instance.tasks.filter(task => isWanted(task) && (isDead(task) || planner.nodeTrouble(task) !== undefined));
  const last = ended.at(-1);
  if (last === undefined) return instance.tasks;
  const stopped = new Set(ended);
  const tasks = instance.tasks.map(task => (stopped.has(task) ? planner.setDesired(task, "shutdown") : task));
  const wanted = tasks.filter(isWanted);
  if (wanted.some(task => task.revisionId === service.revisionId)) return tasks;
  // An older task still serves: try the new revision again only while an update is under way.
  if (wanted.length > 0 && !isUpdating(planner)) return tasks;
  const trouble = isDead(last) ? undefined : planner.nodeTrouble(last);
  // A global service's task belongs to its node: it is made again when the node is back.
  if (trouble !== undefined && instance.nodeId !== undefined) return tasks;
  const earlier = instance.tasks.filter(task => task !== last && planner.isOfThisRun(task));
  if (!mayRestart(last, { restart: revision.task.restart, earlier, nowMs: planner.nowMs })) return tasks;
  const delayMs = trouble === undefined ? restartDelayMs(revision.task.restart) : 0;
  return [...tasks, createSuccessor(planner, { ...instance, tasks }, { delayMs })];
}

/** A task for the instance, which starts when the ones to be stopped have ended and `delayMs` have passed. */
export function createSuccessor(planner: ServicePlanner, instance: Instance, { delayMs }: { readonly delayMs: number }): Task {
  const startNotBeforeMs = planner.nowMs + delayMs;
  const mustWait = delayMs > 0 || instance.tasks.some(task => isBlocking(planner, task));
  if (delayMs > 0) planner.wakeAt(startNotBeforeMs);
  return planner.create({
    slot: instance.slot,
    ...(instance.nodeId !== undefined && { nodeId: instance.nodeId }),
    desiredState: mustWait ? "ready" : planner.startedState,
    ...(delayMs > 0 && { startNotBeforeMs }),
  });
}

function isUpdating({ service: { updateStatus } }: ServicePlanner): boolean {
  return updateStatus?.state === "updating" || updateStatus?.state === "rollback_started";
}

/** It is to end and has not, and its node would tell when it did. */
function isBlocking({ view }: ServicePlanner, task: Task): boolean {
  return !isWanted(task) && !isDead(task) && !isOutOfReach(view, task);
}

function startWaiting(planner: ServicePlanner, tasks: readonly Task[]): readonly Task[] {
  return tasks.map(task => {
    if (task.desiredState !== "ready" || isDead(task)) return task;
    const startNotBeforeMs = task.startNotBeforeMs ?? 0;
    if (startNotBeforeMs > planner.nowMs) {
      planner.wakeAt(startNotBeforeMs);
      return task;
    }
    const patienceEndsMs = task.createdAtMs + PREDECESSOR_WAIT_MS;
    if (planner.nowMs < patienceEndsMs && tasks.some(other => other !== task && isBlocking(planner, other))) {
      planner.wakeAt(patienceEndsMs);
      return task;
    }
    return planner.setDesired(task, planner.startedState);
  });
}

/** Once a task of the present revision runs, the instance needs no other. */
function dropReplaced(planner: ServicePlanner, tasks: readonly Task[]): readonly Task[] {
  const wanted = tasks.filter(isWanted);
  if (wanted.length < 2) return tasks;
  const keeper = wanted.findLast(
    task => task.revisionId === planner.service.revisionId && task.status.state === "running" && task.desiredState === "running",
  );
  if (keeper === undefined) return tasks;
  return tasks.map(task => (task !== keeper && isWanted(task) ? planner.setDesired(task, "shutdown") : task));
}
