import type { Service, Task, UpdateConfig, UpdateStatus } from "../../model/cluster.ts";
import { stateRank } from "../../model/task-state.ts";
import { specChanged } from "../spec-sequence.ts";
import type { Change } from "../store/change.ts";
import { putService } from "../control-loop-draft.ts";
import { endOf } from "./elapsed.ts";
import { hasEndedByItself, isDead, isServing, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";
import { SlotTurns } from "./slot-turns.ts";
import { createSuccessor } from "./successor.ts";

const NS_PER_MS = 1_000_000;
/** @see SwarmKit api/defaults/service.go */
const DEFAULTS: UpdateConfig = { parallelism: 1, delayNs: 0, failureAction: "pause", maxFailureRatio: 0, order: "stop-first" };
const MONITOR_DEFAULT_MS = 5_000;
/** The version of a task that this turn makes. */
const BEING_MADE = 0;

/**
 * Moves the service towards its present revision, a few instances at a time.
 *
 * Everything is read from the tasks: those of the present revision made since the update began are the updated ones, the
 * state and time of their status say how they fare. So a new leader goes on where the last one was.
 */
export function planUpdate(planner: ServicePlanner, instances: readonly Instance[]): readonly Change[] {
  const { service } = planner;
  const state = service.updateStatus?.state;
  if (state === "paused" || state === "rollback_paused") return [];
  const outdated = instances.filter(({ tasks }) => tasks.some(task => isWanted(task) && task.revisionId !== service.revisionId));
  const isActive = state === "updating" || state === "rollback_started";
  if (!isActive && outdated.length === 0) return [];
  const config = (service.isRollingBack ? service.spec.rollback : service.spec.update) ?? DEFAULTS;
  const status: UpdateStatus =
    isActive && service.updateStatus !== undefined ? begunByNow(service.updateStatus, planner.nowMs) : begin(planner);
  const updated = updatedTasks(instances, ofThisUpdate(service, status));
  const failed = updated.filter(task => hasEndedByItself(task) && (task.ranForMs ?? 0) <= monitorMsOf(config));
  const [firstFailed] = failed;
  const total = new Set([...outdated.map(keyOf), ...updated.map(keyOf)]).size;
  if (firstFailed !== undefined && config.failureAction !== "continue" && failed.length / total > config.maxFailureRatio) {
    return [putService(onFailure(planner, { config, status, failed: firstFailed }))];
  }
  const isDone = outdated.length === 0 && isSettled(planner, { updated, config });
  if (isDone) return [putService({ ...service, isRollingBack: false, updateStatus: complete(status, planner.nowMs) })];
  const turns = new SlotTurns(planner, instances);
  beginInstances(planner, { outdated, config, turns, busy: busyCount(planner, { instances, updated, config }) });
  return status === service.updateStatus ? [] : [putService({ ...service, updateStatus: status })];
}

function keyOf({ slot, nodeId }: { readonly slot: number; readonly nodeId?: string }): string {
  return slot === 0 ? (nodeId ?? "") : String(slot);
}

function begin({ service, nowMs }: ServicePlanner): UpdateStatus {
  return service.isRollingBack
    ? { state: "rollback_started", startedAtMs: nowMs, message: "manually requested rollback" }
    : { state: "updating", startedAtMs: nowMs, message: "update in progress" };
}

/** The clock of whoever led then ran ahead of this one, by which all that is still to be made would come before the update. */
function begunByNow(status: UpdateStatus, nowMs: number): UpdateStatus {
  return (status.startedAtMs ?? 0) > nowMs ? { ...status, startedAtMs: nowMs } : status;
}

function complete(status: UpdateStatus, nowMs: number): UpdateStatus {
  const isRollback = status.state === "rollback_started";
  return {
    ...status,
    state: isRollback ? "rollback_completed" : "completed",
    message: isRollback ? "rollback completed" : "update completed",
    completedAtMs: nowMs,
  };
}

/**
 * Whether a task was made since the update began. One that was last written before the service got its spec was not, whatever the clock
 * said by which it was made: an earlier leader's, or this one's before it was set back.
 */
function ofThisUpdate(service: Service, { startedAtMs = 0 }: UpdateStatus): (task: Task) => boolean {
  const { revisionId, specChangedAfter = -1 } = service;
  const isWrittenSince = ({ version }: Task): boolean => version === BEING_MADE || version > specChangedAfter;
  return task => task.revisionId === revisionId && task.createdAtMs >= startedAtMs && isWrittenSince(task);
}

/**
 * The first of these tasks of the present revision in each instance, or what took its place when it lost its node. Restarts of one that
 * ended by itself do not count.
 */
function updatedTasks(instances: readonly Instance[], counts: (task: Task) => boolean): readonly Task[] {
  return instances.flatMap(({ tasks }) => {
    const updated = tasks.filter(counts);
    const first = updated.find(hasEndedByItself) ?? updated.findLast(isWanted) ?? updated[0];
    return first === undefined ? [] : [first];
  });
}

function onFailure(
  planner: ServicePlanner,
  options: { readonly config: UpdateConfig; readonly status: UpdateStatus; readonly failed: Task },
): Service {
  const { view, service, nowMs } = planner;
  const { config, status, failed } = options;
  const cause = `due to failure or early termination of task ${failed.id}`;
  const { previousSpec, previousRevisionId, ...rest } = service;
  const isRollback = status.state === "rollback_started";
  // A rollback is never rolled back, and without a previous spec there is nothing to go back to.
  if (isRollback || config.failureAction === "pause" || previousSpec === undefined || previousRevisionId === undefined) {
    const state = isRollback ? "rollback_paused" : "paused";
    return { ...service, updateStatus: { ...status, state, message: `${isRollback ? "rollback" : "update"} paused ${cause}` } };
  }
  return {
    ...rest,
    spec: previousSpec,
    ...specChanged(view),
    revisionId: previousRevisionId,
    isRollingBack: true,
    updateStatus: { state: "rollback_started", startedAtMs: nowMs, message: `update rolled back ${cause}` },
  };
}

/** Every updated task runs (or has ended) and has been watched for long enough. */
function isSettled(
  planner: ServicePlanner,
  { updated, config }: { readonly updated: readonly Task[]; readonly config: UpdateConfig },
): boolean {
  const monitorMs = monitorMsOf(config);
  let settledAtMs = 0;
  for (const task of updated) {
    if (isPreparing(task)) return false;
    if (task.status.state === "running")
      settledAtMs = Math.max(settledAtMs, endOf({ fromMs: toldAtMs(task), durationMs: monitorMs }, planner.nowMs));
  }
  planner.wakeAt(settledAtMs);
  return settledAtMs <= planner.nowMs;
}

/** For how long a new task is watched once it runs: what ends later is no failure of the update. */
function monitorMsOf({ monitorNs = 0 }: UpdateConfig): number {
  return monitorNs === 0 ? MONITOR_DEFAULT_MS : monitorNs / NS_PER_MS;
}

/** When a manager wrote the state down. The status has the time of the worker, whose clock is another one. */
function toldAtMs({ updatedAtMs, status }: Task): number {
  return updatedAtMs === 0 ? status.atMs : updatedAtMs;
}

function isPreparing(task: Task): boolean {
  return isWanted(task) && stateRank(task.status.state) < stateRank("running");
}

function beginInstances(
  planner: ServicePlanner,
  options: {
    readonly outdated: readonly Instance[];
    readonly config: UpdateConfig;
    readonly turns: SlotTurns;
    readonly busy: number;
  },
): void {
  const { outdated, config, turns, busy } = options;
  const { revisionId } = planner.service;
  const waiting = outdated.filter(({ tasks }) => !tasks.some(task => isWanted(task) && task.revisionId === revisionId));
  if (waiting.length === 0) return;
  let free = config.parallelism === 0 ? Infinity : config.parallelism - busy;
  const awaited = waiting.filter(instance => turns.isAwaited(instance));
  const others = waiting.filter(instance => !turns.isAwaited(instance)).toSorted(inTurn(turns));
  for (const instance of [...awaited, ...others]) {
    if ((free <= 0 && !turns.isAwaited(instance)) || !planner.hasRoom()) return;
    beginInstance(planner, { instance, order: config.order });
    free--;
  }
}

/** What does not run loses nothing by being replaced; what has an address to wait for leaves others theirs. */
function inTurn(turns: SlotTurns): (a: Instance, b: Instance) => number {
  return (a, b) =>
    Number(runs(a)) - Number(runs(b)) || Number(turns.hasToWait(a)) - Number(turns.hasToWait(b)) || a.slot - b.slot;
}

function runs({ tasks }: Instance): boolean {
  return tasks.some(isServing);
}

/** How many of the update's parallel places are taken, also by what an update that this one took over from had begun. */
function busyCount(
  planner: ServicePlanner,
  options: { readonly instances: readonly Instance[]; readonly updated: readonly Task[]; readonly config: UpdateConfig },
): number {
  const { instances, updated, config } = options;
  const known = new Set(updated);
  const { revisionId } = planner.service;
  const taken = updatedTasks(instances, task => task.revisionId === revisionId).filter(task => !known.has(task));
  return updated.filter(task => isBusy(planner, { task, config })).length + taken.filter(isPreparing).length;
}

/** It takes one of the update's parallel places: until it runs, and for the delay after that. */
function isBusy(planner: ServicePlanner, { task, config }: { readonly task: Task; readonly config: UpdateConfig }): boolean {
  if (isPreparing(task)) return true;
  if (!isDead(task) && task.status.state !== "running") return false;
  const freeAtMs = endOf({ fromMs: toldAtMs(task), durationMs: config.delayNs / NS_PER_MS }, planner.nowMs);
  planner.wakeAt(freeAtMs);
  return planner.nowMs < freeAtMs;
}

function beginInstance(
  planner: ServicePlanner,
  { instance, order }: { readonly instance: Instance; readonly order: UpdateConfig["order"] },
): void {
  // While one task serves, start-first leaves that one alone. Others were begun by an update that was itself overtaken.
  const serving = order === "start-first" ? instance.tasks.findLast(isServing) : undefined;
  const tasks = instance.tasks.map(task => (isWanted(task) && task !== serving ? planner.setDesired(task, "shutdown") : task));
  createSuccessor(planner, { ...instance, tasks }, { delayMs: 0 });
}
