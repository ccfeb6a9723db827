import type { Service, Task, UpdateConfig, UpdateStatus } from "../../model/cluster.ts";
import { hasSlotAddresses } from "../allocator/slot-addresses.ts";
import { putService } from "../control-loop-draft.ts";
import { specChanged } from "../spec-sequence.ts";
import type { Change } from "../store/change.ts";
import { isServing, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";
import { SlotTurns } from "./slot-turns.ts";
import { createSuccessor } from "./successor.ts";
import type { Counting, UpdateProgress } from "./update-progress.ts";

/** @see SwarmKit api/defaults/service.go */
const DEFAULTS: UpdateConfig = { parallelism: 1, delayNs: 0, failureAction: "pause", maxFailureRatio: 0, order: "stop-first" };

/** What there is of a service, as an update sees it. */
export interface UpdateScope {
  /** Something of another revision may be wanted. */
  readonly isConcerned: boolean;
  /** `undefined`: not known yet, look again in the next turn. */
  readonly progressOf: (counting: Counting) => UpdateProgress | undefined;
  /** All instances that stay. Asked for only where slots have addresses. */
  readonly instances: () => readonly Instance[];
}

/**
 * Moves the service towards its present revision, a few instances at a time.
 *
 * Everything is read from the tasks: those of the present revision made since the update began are the updated ones, the
 * state and time of their status say how they fare. So a new leader goes on where the last one was.
 */
export function planUpdate(planner: ServicePlanner, scope: UpdateScope): readonly Change[] {
  const { service } = planner;
  const state = service.updateStatus?.state;
  if (state === "paused" || state === "rollback_paused") return [];
  const isActive = state === "updating" || state === "rollback_started";
  if (!isActive && !scope.isConcerned) return [];
  const config = (service.isRollingBack ? service.spec.rollback : service.spec.update) ?? DEFAULTS;
  const status: UpdateStatus =
    isActive && service.updateStatus !== undefined ? begunByNow(service.updateStatus, planner.nowMs) : begin(planner);
  const progress = scope.progressOf(countingOf(service, { status, config }));
  const isNews = status !== service.updateStatus;
  if (progress === undefined) {
    planner.leave();
    return isNews ? [putService({ ...service, updateStatus: status })] : [];
  }
  if (!isActive && progress.outdatedCount === 0) return [];
  const failure = config.failureAction === "continue" ? undefined : progress.failure;
  if (failure !== undefined && failure.ratio > config.maxFailureRatio) {
    return [putService(onFailure(planner, { config, status, failed: failure.task }))];
  }
  const isDone = progress.outdatedCount === 0 && progress.isSettled(planner);
  if (isDone) return [putService({ ...service, isRollingBack: false, updateStatus: complete(status, planner.nowMs) })];
  const free = config.parallelism === 0 ? Infinity : config.parallelism - progress.busyCount(planner);
  if (hasSlotAddresses(planner.revision.task)) {
    const turns = new SlotTurns(planner, scope.instances());
    const isAwaited = (instance: Instance) => turns.isAwaited(instance);
    beginInstances(planner, { waiting: inTurn(progress.waiting(), turns), order: config.order, free, isAwaited });
  } else beginInstances(planner, { waiting: progress.waiting(), order: config.order, free, isAwaited: () => false });
  return isNews ? [putService({ ...service, updateStatus: status })] : [];
}

function countingOf(
  service: Service,
  { status, config }: { readonly status: UpdateStatus; readonly config: UpdateConfig },
): Counting {
  return {
    revisionId: service.revisionId,
    startedAtMs: status.startedAtMs ?? 0,
    specChangedAfter: service.specChangedAfter ?? -1,
    config,
  };
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

function beginInstances(
  planner: ServicePlanner,
  options: {
    readonly waiting: Iterable<Instance>;
    readonly order: UpdateConfig["order"];
    readonly free: number;
    readonly isAwaited: (instance: Instance) => boolean;
  },
): void {
  const { waiting, order, isAwaited } = options;
  let { free } = options;
  for (const instance of waiting) {
    if ((free <= 0 && !isAwaited(instance)) || !planner.hasRoom()) return;
    beginInstance(planner, { instance, order });
    free--;
  }
}

/** Those that others wait for, then the rest: what has an address to wait for leaves others theirs. */
function inTurn(waiting: Iterable<Instance>, turns: SlotTurns): readonly Instance[] {
  const all = [...waiting];
  const rank = (instance: Instance): number => {
    if (turns.isAwaited(instance)) return 0;
    return (instance.tasks.some(isServing) ? 2 : 0) + (turns.hasToWait(instance) ? 2 : 1);
  };
  return all.toSorted((a, b) => rank(a) - rank(b));
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
