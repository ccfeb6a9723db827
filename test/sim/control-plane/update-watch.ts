import { SECOND_FORMAT_LEVEL } from "../../../src/codec/format-needs.ts";
import type { Service, Task, UpdateConfig } from "../../../src/model/cluster.ts";
import type { RevisionId, ServiceId, TaskId } from "../../../src/model/ids.ts";
import { hasEndedByItself, isServing, isWanted, troubleOf } from "../../../src/manager/orchestrator/instance.ts";
import type { StateSnapshot } from "../../../src/manager/store/state-snapshot.ts";
import type { Applied } from "./ledger.ts";

/** An update or a rollback of a service, from its first plan to its last. */
interface Attempt {
  readonly startedAtMs: number;
  readonly revisionId: RevisionId;
  /** How many slots had a task of another revision when it began. */
  readonly slotCount: number;
  /** Plans that went on with it although too many had failed by then. */
  latePlans: number;
}

/** One may have been on its way when the last of the failures was told of: the control loop makes the next when it has seen that one. */
const LATE_PLANS_MAX = 1;
const NS_PER_MS = 1_000_000;
/** As Docker's, where nobody says. */
const MONITOR_DEFAULT_MS = 5_000;

function must(isRight: boolean, what: string): asserts isRight {
  if (!isRight) throw new Error(`update failure: ${what}`);
}

/** Looks at each entry: updates go on and end as their failure action and their highest ratio of failures say. */
export class UpdateWatch {
  readonly #attempts = new Map<ServiceId, Attempt>();

  look(applied: Applied): void {
    const { entry, before, after } = applied;
    for (const change of entry.changes) {
      if (change.table === "task" && change.kind === "put") checkEnd(applied, change.object.id);
      if (change.table !== "service" || change.kind === "remove") continue;
      const [was, is] = [before.get("service", change.object.id), after.get("service", change.object.id)];
      if (is === undefined || is.spec.mode.kind !== "replicated") continue;
      if (was !== undefined && entry.term !== undefined) this.#checkVerdict(was, is, before);
      this.#note(is, applied);
    }
    if (entry.term !== undefined) this.#checkPlan(applied);
  }

  #note(service: Service, { before, after }: Applied): void {
    const { id, updateStatus, revisionId } = service;
    if (!isActive(service)) this.#attempts.delete(id);
    else if (!this.#isUnderWay(service)) {
      const isOutdated = (task: Task) => isWanted(task) && task.revisionId !== service.revisionId;
      // A scale that came with it is carried out first.
      const isTakenAway = ({ id: task }: Task) => after.get("task", task)?.desiredState === "remove";
      const slotCount = slotsOf(before, service, task => isOutdated(task) && !isTakenAway(task));
      this.#attempts.set(id, { startedAtMs: updateStatus?.startedAtMs ?? 0, revisionId, slotCount, latePlans: 0 });
    }
  }

  /** It is the one that is known. A leader whose clock is behind that of the one before says that it began earlier. */
  #isUnderWay({ id, revisionId, updateStatus }: Service): boolean {
    const known = this.#attempts.get(id);
    return known?.revisionId === revisionId && (updateStatus?.startedAtMs ?? 0) <= known.startedAtMs;
  }

  /** What the control loop made of an update. */
  #checkVerdict(was: Service, is: Service, before: StateSnapshot): void {
    const { name } = was.spec;
    const [from, to] = [was.updateStatus?.state, is.updateStatus?.state];
    if (from === to) return;
    must(from !== "paused" && from !== "rollback_paused", `${name} was ${from}, and is ${to} though nobody asked for it`);
    if (!isActive(was) || to === "completed" || to === "rollback_completed") return;
    const { failureAction, maxFailureRatio } = configOf(was);
    const isAsConfigured =
      from === "rollback_started"
        ? to === "rollback_paused" && failureAction !== "continue"
        : (to === "paused" &&
            (failureAction === "pause" || (failureAction === "rollback" && was.previousRevisionId === undefined))) ||
          (to === "rollback_started" && failureAction === "rollback" && is.revisionId === was.previousRevisionId);
    must(isAsConfigured, `${name} went from ${from} to ${to}, its failure action is ${failureAction}`);
    if (wasBegunAnew(was, is)) return;
    const { slotCount = 0 } = this.#attempts.get(was.id) ?? {};
    const failed = failedSlots(before, was);
    must(
      failed > maxFailureRatio * slotCount,
      `${name} is ${to}: ${failed} of ${slotCount} had failed, which is not over ${maxFailureRatio}`,
    );
  }

  /** No update begins with further slots when too many have failed. */
  #checkPlan({ entry, before, after }: Applied): void {
    const begun = new Set<ServiceId>();
    for (const change of entry.changes) {
      if (change.kind === "remove" || change.table !== "task" || before.get("task", change.object.id) !== undefined) continue;
      const { serviceId, slot, revisionId } = change.object;
      const service = after.get("service", serviceId);
      if (service === undefined || !isActive(service) || revisionId !== service.revisionId) continue;
      const isOld = (task: Task) => task.slot === slot && task.revisionId !== revisionId && runsWell(before, task);
      if (slotsOf(before, service, isOld) > 0) begun.add(serviceId);
    }
    for (const id of begun) {
      const [service, attempt] = [after.get("service", id), this.#attempts.get(id)];
      if (service === undefined || attempt === undefined || !hasFailed(before, service)) continue;
      attempt.latePlans++;
      must(attempt.latePlans <= LATE_PLANS_MAX, `${service.spec.name} is updated further though too many have failed`);
    }
  }
}

/**
 * By the clock of a leader that is behind: nothing but time tells an update's tasks from those of an earlier one where the first format has
 * no word for when a spec was given.
 */
function wasBegunAnew(was: Service, is: Service): boolean {
  const began = ({ updateStatus }: Service) => updateStatus?.startedAtMs ?? 0;
  return was.specChangedAfter === undefined && began(is) < began(was);
}

function isActive({ updateStatus }: Service): boolean {
  return updateStatus?.state === "updating" || updateStatus?.state === "rollback_started";
}

function configOf({
  isRollingBack,
  spec: { update, rollback },
}: Service): Pick<UpdateConfig, "failureAction" | "maxFailureRatio" | "monitorNs"> {
  return (isRollingBack ? rollback : update) ?? { failureAction: "pause", maxFailureRatio: 0 };
}

/** Beyond doubt: its ratio is over the highest one also when all slots that it could concern are counted. */
function hasFailed(view: StateSnapshot, service: Service): boolean {
  const { failureAction, maxFailureRatio } = configOf(service);
  const slotCount = slotsOf(view, service, task => isWanted(task) || isUpdated(task, service));
  return failureAction !== "continue" && failedSlots(view, service) > maxFailureRatio * slotCount;
}

/** What ends when it was watched for long enough is no failure of the update, and neither is what comes after it in its slot. */
function failedSlots(view: StateSnapshot, service: Service): number {
  const monitorMs = (configOf(service).monitorNs ?? 0) / NS_PER_MS || MONITOR_DEFAULT_MS;
  const ended = [...view.tasksOfService(service.id)].filter(task => isUpdated(task, service) && hasEndedByItself(task));
  const inOrder = ended.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  const firsts = inOrder.filter(({ slot }, at) => inOrder.findIndex(other => other.slot === slot) === at);
  return firsts.filter(({ ranForMs = 0 }) => ranForMs <= monitorMs).length;
}

/** How long it ran is kept with its end, by its node's clock, unless older managers would lose that. */
function checkEnd({ entry, before, after }: Applied, id: TaskId): void {
  const [was, is] = [before.get("task", id), after.get("task", id)];
  if (was?.status.state !== "running" || is === undefined || !hasEndedByItself(is)) return;
  const ranForMs = (entry.level ?? 1) < SECOND_FORMAT_LEVEL ? undefined : is.status.atMs - was.status.atMs;
  must(is.ranForMs === ranForMs, `task ${id} ran for ${ranForMs} ms, and is kept as one that ran for ${is.ranForMs}`);
}

function isUpdated(task: Task, service: Service): boolean {
  return task.revisionId === service.revisionId && task.createdAtMs >= (service.updateStatus?.startedAtMs ?? Infinity);
}

/** It serves, and nothing but the update would have it replaced. */
function runsWell(view: StateSnapshot, task: Task): boolean {
  return isServing(task) && task.nodeId !== undefined && troubleOf(view.get("node", task.nodeId)) === undefined;
}

function slotsOf(view: StateSnapshot, { id }: Service, isMeant: (task: Task) => boolean): number {
  return new Set([...view.tasksOfService(id)].filter(isMeant).map(({ slot }) => slot)).size;
}
