import type { Service, Task } from "../../model/cluster.ts";
import type { RevisionId, TaskId } from "../../model/ids.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { isOpen, isWanted, keyOfTask, withTask } from "./instance.ts";
import type { Instance, InstanceKey } from "./instance.ts";
import { SurplusRanking } from "./surplus-ranking.ts";
import type { RankingOptions } from "./surplus-ranking.ts";
import { UpdateProgress } from "./update-progress.ts";
import type { Counting } from "./update-progress.ts";

/** Instances looked at in one turn when all of them have to be: some 10 ms on a slow machine. */
export const SLICE = 2_000;

/**
 * One service's tasks as the leader keeps them between turns: which instances may need something, and which tasks have no node yet.
 * So a turn costs what moved, not what is there. Derived from the state; each leader makes its own.
 */
export class ServiceTasks {
  readonly #isByNode: boolean;
  readonly #instances = new Map<InstanceKey, Instance>();
  readonly #keys = new Map<TaskId, InstanceKey>();
  readonly #restless = new Set<InstanceKey>();
  /** Without a node and without the reason for that. */
  readonly #fresh = new Map<TaskId, Task>();
  readonly #explained = new Map<TaskId, Task>();
  /** How many tasks are wanted of each revision. */
  readonly #wanted = new Map<RevisionId, number>();
  /** Of the update that is under way, kept while it is. */
  #progress: UpdateProgress | undefined;
  /** Instances that are not in it yet. */
  #unread: Iterator<readonly [InstanceKey, Instance]> | undefined;
  /** Instances that it has to look at again. */
  readonly #moved = new Set<InstanceKey>();
  /** Kept while there are too many. */
  #ranking: SurplusRanking | undefined;
  /** Slots 1 to this are all there. */
  #fullTo = 0;
  #standing = "";
  /** Instances that are still to be looked at since the service became another. */
  #review: Iterator<InstanceKey> | undefined;

  constructor(service: Service) {
    this.#isByNode = service.spec.mode.kind === "global" || service.spec.mode.kind === "global-job";
  }

  /** Reads all of it, as somebody has to who has kept nothing. */
  static of(view: Snapshot, service: Service): ServiceTasks {
    const tasks = new ServiceTasks(service);
    for (const task of view.tasksOfService(service.id)) tasks.put(task);
    return tasks;
  }

  /** All of them, each with its tasks, oldest first. */
  get instances(): ReadonlyMap<InstanceKey, Instance> {
    return this.#instances;
  }

  /** Those that may need something; the others are settled: `isSettled` said so, and nothing of them was touched since. */
  get restless(): ReadonlySet<InstanceKey> {
    return this.#restless;
  }

  get openCount(): number {
    return this.#fresh.size + this.#explained.size;
  }

  /** Tasks that wait for addresses or a node: first those nobody has looked at. */
  *open(): Generator<Task> {
    yield* this.#fresh.values();
    yield* this.#explained.values();
  }

  /** It waits on as it did: the next look begins with others. */
  passOver(task: Task): void {
    if (this.#explained.delete(task.id)) this.#explained.set(task.id, task);
  }

  /** What was settled counts no more once the service is another: another revision, another run of a job, or being removed. See `review`. */
  keepUpWith({ revisionId, isRemoving, job }: { readonly revisionId: RevisionId } & Pick<Service, "isRemoving" | "job">): void {
    const standing = `${revisionId} ${isRemoving} ${job?.iteration}`;
    if (standing === this.#standing) return;
    this.#standing = standing;
    this.#review = this.#instances.keys();
  }

  /** Makes some more of those restless that have not been looked at since. @returns whether that was the last of them. */
  review(max = SLICE): boolean {
    for (let count = 0; this.#review !== undefined; count++) {
      if (count >= max) return false;
      const { done, value } = this.#review.next();
      if (done === true) this.#review = undefined;
      else this.#restless.add(value);
    }
    return true;
  }

  put(task: Task): void {
    const key = keyOfTask(task, { isByNode: this.#isByNode });
    if (key === undefined) return;
    const instance = this.#instances.get(key);
    this.#countWanted(
      instance?.tasks.find(({ id }) => id === task.id),
      -1,
    );
    this.#countWanted(task, 1);
    this.#instances.set(key, withTask(instance, task, { isByNode: this.#isByNode }));
    this.#keys.set(task.id, key);
    this.#restless.add(key);
    this.#noteMoved(key);
    this.#close(task.id);
    if (isOpen(task)) (task.status.error === undefined ? this.#fresh : this.#explained).set(task.id, task);
  }

  remove(id: TaskId): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    this.#keys.delete(id);
    this.#close(id);
    const instance = this.#instances.get(key);
    this.#countWanted(
      instance?.tasks.find(task => task.id === id),
      -1,
    );
    this.#noteMoved(key);
    const tasks = instance?.tasks.filter(task => task.id !== id) ?? [];
    if (instance === undefined || tasks.length === 0) this.#forget(key);
    else {
      this.#instances.set(key, { ...instance, tasks });
      this.#restless.add(key);
    }
  }

  #noteMoved(key: InstanceKey): void {
    if (this.#progress !== undefined) this.#moved.add(key);
  }

  #countWanted(task: Task | undefined, by: 1 | -1): void {
    if (task === undefined || !isWanted(task)) return;
    const count = (this.#wanted.get(task.revisionId) ?? 0) + by;
    if (count === 0) this.#wanted.delete(task.revisionId);
    else this.#wanted.set(task.revisionId, count);
  }

  /** Some task of another revision is wanted. */
  isOutdated({ revisionId }: Pick<Service, "revisionId">): boolean {
    return this.#wanted.size > (this.#wanted.has(revisionId) ? 1 : 0);
  }

  /**
   * How far the update has come, with what this turn makes of some instances. Looks at what has changed, and when the update is a new one at
   * all of them, some in each turn.
   * @param planned - As they become; `undefined`: it goes. Whether that is done is seen when they are looked at next.
   * @returns `undefined` while there are more to be looked at.
   */
  progressOf(counting: Counting, planned: Iterable<readonly [InstanceKey, Instance | undefined]>): UpdateProgress | undefined {
    let progress = this.#progress;
    if (progress?.isOf(counting) !== true) {
      this.#progress = progress = new UpdateProgress(counting);
      this.#unread = this.#instances.entries();
    } else for (const key of this.#moved) progress.set(key, this.#instances.get(key));
    this.#moved.clear();
    this.#read(progress);
    for (const [key, instance] of planned) {
      progress.set(key, instance);
      this.#moved.add(key);
    }
    return this.#unread === undefined ? progress : undefined;
  }

  #read(progress: UpdateProgress): void {
    for (let count = 0; this.#unread !== undefined && count < SLICE; count++) {
      const { done, value } = this.#unread.next();
      if (done === true) this.#unread = undefined;
      else progress.set(...value);
    }
  }

  /** In which order slots go, as it was when there began to be too many. */
  ranking(options: RankingOptions): SurplusRanking {
    return (this.#ranking ??= new SurplusRanking(this.#instances.values(), options));
  }

  forgetRanking(): void {
    this.#ranking = undefined;
  }

  /** No update is under way. */
  forgetProgress(): void {
    this.#progress = undefined;
    this.#unread = undefined;
    this.#moved.clear();
  }

  #close(id: TaskId): void {
    this.#fresh.delete(id);
    this.#explained.delete(id);
  }

  #forget(key: InstanceKey): void {
    this.#instances.delete(key);
    this.#restless.delete(key);
    if (typeof key === "number" && key <= this.#fullTo) this.#fullTo = key - 1;
  }

  /** Something that the instance of this task hangs on, its node say, is another. */
  unsettle(id: TaskId): void {
    const key = this.#keys.get(id);
    if (key !== undefined) this.#restless.add(key);
  }

  settle(key: InstanceKey): void {
    this.#restless.delete(key);
  }

  /** Slots that nobody has, from 1 on, without end. */
  *freeSlots(): Generator<number> {
    while (this.#instances.has(this.#fullTo + 1)) this.#fullTo++;
    for (let slot = this.#fullTo + 1; ; slot++) if (!this.#instances.has(slot)) yield slot;
  }
}
