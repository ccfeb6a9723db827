import type { Task, UpdateConfig } from "../../model/cluster.ts";
import type { RevisionId } from "../../model/ids.ts";
import { stateRank } from "../../model/task-state.ts";
import { newTree } from "../store/trees.ts";
import { endOf } from "./elapsed.ts";
import { hasEndedByItself, isDead, isServing, isWanted } from "./instance.ts";
import type { Instance, InstanceKey } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";

const NS_PER_MS = 1_000_000;
const MONITOR_DEFAULT_MS = 5_000;
const SLOT_DIGITS = 12;

/** The version of a task that this turn makes. */
const BEING_MADE = 0;

/** What an update goes by. Another of these is another update. */
export interface Counting {
  /** Where the update goes. */
  readonly revisionId: RevisionId;
  readonly startedAtMs: number;
  /** Tasks that were last written up to this index of the log are older than what the service is to be. */
  readonly specChangedAfter: number;
  readonly config: UpdateConfig;
}

/**
 * Whether a task was made since the update began. One that was last written before the service got its spec was not, whatever the clock
 * said by which it was made: an earlier leader's, or this one's before it was set back.
 */
function isOfUpdate(task: Task, { revisionId, startedAtMs, specChangedAfter }: Counting): boolean {
  const isWrittenSince = task.version === BEING_MADE || task.version > specChangedAfter;
  return task.revisionId === revisionId && task.createdAtMs >= startedAtMs && isWrittenSince;
}

/** What one instance adds. */
interface Share {
  readonly isOutdated: boolean;
  readonly isConcerned: boolean;
  readonly preparing: 0 | 1;
  /** A place among the parallel ones that the update before had begun to fill. */
  readonly taken: 0 | 1;
}

/**
 * How far an update of one service has come. Each instance adds its share and is looked at again when it has changed, so that a turn of
 * an update costs what moved, and not what there is.
 */
export class UpdateProgress {
  readonly #counting: Counting;
  readonly #shares = new Map<InstanceKey, Share>();
  readonly #failed = new Map<InstanceKey, Task>();
  /** Of the updated tasks those that run or have ended: each takes one of the parallel places until its delay is over. */
  readonly #delaying = new Map<InstanceKey, Task>();
  /** And those that run: watched until it is known that they go on. */
  readonly #watched = new Map<InstanceKey, Task>();
  /** Without a task of the present revision, in the order of their slots: those that do not run, and those that do. */
  readonly #idle = newTree<Instance>();
  readonly #serving = newTree<Instance>();
  #outdated = 0;
  /** Those, and the ones that the update has made a task for. */
  #concerned = 0;
  #preparing = 0;
  #taken = 0;

  constructor(counting: Counting) {
    this.#counting = counting;
  }

  /** It is the progress of this update. */
  isOf({ revisionId, startedAtMs, specChangedAfter, config }: Counting): boolean {
    const own = this.#counting;
    const isSame = own.revisionId === revisionId && own.startedAtMs === startedAtMs && own.specChangedAfter === specChangedAfter;
    return isSame && own.config.delayNs === config.delayNs && own.config.monitorNs === config.monitorNs;
  }

  /** Instances in which something of another revision is wanted. */
  get outdatedCount(): number {
    return this.#outdated;
  }

  /** Updated tasks that ended by themselves while they were watched: how many of those concerned, and the one of the lowest slot. */
  get failure(): { readonly ratio: number; readonly task: Task } | undefined {
    let first: Task | undefined;
    for (const task of this.#failed.values()) if (first === undefined || task.slot < first.slot) first = task;
    return first && { ratio: this.#failed.size / this.#concerned, task: first };
  }

  /** What does not run loses nothing by being replaced: it is first. */
  *waiting(): Generator<Instance> {
    yield* this.#idle.values();
    yield* this.#serving.values();
  }

  /** It is so now; `undefined`: it goes, and has no part in the update. */
  set(key: InstanceKey, instance: Instance | undefined): void {
    this.#forget(key);
    if (instance === undefined) return;
    const { revisionId, config } = this.#counting;
    const { tasks } = instance;
    const isOutdated = tasks.some(task => isWanted(task) && task.revisionId !== revisionId);
    const updated = firstOf(tasks, task => isOfUpdate(task, this.#counting));
    const begun = firstOf(tasks, task => task.revisionId === revisionId);
    const share: Share = {
      isOutdated,
      isConcerned: isOutdated || updated !== undefined,
      preparing: updated !== undefined && isPreparing(updated) ? 1 : 0,
      taken: begun !== undefined && begun !== updated && isPreparing(begun) ? 1 : 0,
    };
    if (!share.isConcerned && share.taken === 0) return;
    this.#shares.set(key, share);
    this.#count(share, 1);
    if (isOutdated && !tasks.some(task => isWanted(task) && task.revisionId === revisionId))
      (tasks.some(isServing) ? this.#serving : this.#idle).set(placeOf(key), instance);
    if (updated === undefined) return;
    if (hasEndedByItself(updated) && (updated.ranForMs ?? 0) <= monitorMsOf(config)) this.#failed.set(key, updated);
    const isRunning = updated.status.state === "running";
    if (isRunning) this.#watched.set(key, updated);
    if (share.preparing === 0 && (isRunning || isDead(updated))) this.#delaying.set(key, updated);
  }

  #forget(key: InstanceKey): void {
    const share = this.#shares.get(key);
    if (share === undefined) return;
    this.#shares.delete(key);
    this.#count(share, -1);
    for (const tasks of [this.#failed, this.#delaying, this.#watched]) tasks.delete(key);
    for (const instances of [this.#idle, this.#serving]) instances.delete(placeOf(key));
  }

  #count({ isOutdated, isConcerned, preparing, taken }: Share, sign: 1 | -1): void {
    this.#outdated += isOutdated ? sign : 0;
    this.#concerned += isConcerned ? sign : 0;
    this.#preparing += sign * preparing;
    this.#taken += sign * taken;
  }

  /** How many of the parallel places are taken: each until its task runs, and for the delay after that. */
  busyCount(planner: ServicePlanner): number {
    const durationMs = this.#counting.config.delayNs / NS_PER_MS;
    for (const [key, task] of this.#delaying) {
      const freeAtMs = endOf({ fromMs: toldAtMs(task), durationMs }, planner.nowMs);
      if (freeAtMs <= planner.nowMs) this.#delaying.delete(key);
      else planner.wakeAt(freeAtMs);
    }
    return this.#preparing + this.#taken + this.#delaying.size;
  }

  /** Every updated task runs (or has ended) and has been watched for long enough. */
  isSettled(planner: ServicePlanner): boolean {
    if (this.#preparing > 0) return false;
    const durationMs = monitorMsOf(this.#counting.config);
    let settledAtMs = 0;
    for (const [key, task] of this.#watched) {
      const endsAtMs = endOf({ fromMs: toldAtMs(task), durationMs }, planner.nowMs);
      if (endsAtMs <= planner.nowMs) this.#watched.delete(key);
      else settledAtMs = Math.max(settledAtMs, endsAtMs);
    }
    planner.wakeAt(settledAtMs);
    return settledAtMs <= planner.nowMs;
  }
}

function placeOf(key: InstanceKey): string {
  return typeof key === "number" ? String(key).padStart(SLOT_DIGITS, "0") : key;
}

/**
 * The first of these tasks in an instance, or what took its place when it lost its node. Restarts of one that ended by itself do not
 * count.
 */
function firstOf(tasks: readonly Task[], counts: (task: Task) => boolean): Task | undefined {
  const counted = tasks.filter(counts);
  return counted.find(hasEndedByItself) ?? counted.findLast(isWanted) ?? counted[0];
}

/** For how long a new task is watched once it runs: what ends later is no failure of the update. */
export function monitorMsOf({ monitorNs = 0 }: UpdateConfig): number {
  return monitorNs === 0 ? MONITOR_DEFAULT_MS : monitorNs / NS_PER_MS;
}

/** When a manager wrote the state down. The status has the time of the worker, whose clock is another one. */
function toldAtMs({ updatedAtMs, status }: Task): number {
  return updatedAtMs === 0 ? status.atMs : updatedAtMs;
}

function isPreparing(task: Task): boolean {
  return isWanted(task) && stateRank(task.status.state) < stateRank("running");
}
