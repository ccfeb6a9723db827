import type { Service, Task } from "../../model/cluster.ts";
import type { RevisionId, TaskId } from "../../model/ids.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { isOpen, keyOfTask, withTask } from "./instance.ts";
import type { Instance, InstanceKey } from "./instance.ts";

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
  /** Slots 1 to this are all there. */
  #fullTo = 0;
  #standing = "";

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

  /** What was settled counts no more once the service is another: another revision, another run of a job, or being removed. */
  keepUpWith({ revisionId, isRemoving, job }: { readonly revisionId: RevisionId } & Pick<Service, "isRemoving" | "job">): void {
    const standing = `${revisionId} ${isRemoving} ${job?.iteration}`;
    if (standing === this.#standing) return;
    this.#standing = standing;
    for (const key of this.#instances.keys()) this.#restless.add(key);
  }

  put(task: Task): void {
    const key = keyOfTask(task, { isByNode: this.#isByNode });
    if (key === undefined) return;
    const instance = this.#instances.get(key);
    this.#instances.set(key, withTask(instance, task, { isByNode: this.#isByNode }));
    this.#keys.set(task.id, key);
    this.#restless.add(key);
    this.#close(task.id);
    if (isOpen(task)) (task.status.error === undefined ? this.#fresh : this.#explained).set(task.id, task);
  }

  remove(id: TaskId): void {
    const key = this.#keys.get(id);
    if (key === undefined) return;
    this.#keys.delete(id);
    this.#close(id);
    const instance = this.#instances.get(key);
    const tasks = instance?.tasks.filter(task => task.id !== id) ?? [];
    if (instance === undefined || tasks.length === 0) this.#forget(key);
    else {
      this.#instances.set(key, { ...instance, tasks });
      this.#restless.add(key);
    }
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
