import type { TaskStatus } from "../model/cluster.ts";
import type { TaskId } from "../model/ids.ts";

/** More do not go into one message. */
const BATCH_MAX = 1_000;

/** The latest status of each task, until it has been sent in the present session. */
export class StatusReporter {
  readonly #latest = new Map<TaskId, TaskStatus>();
  readonly #unsent = new Set<TaskId>();
  /** Those of the unsent that nothing waits for: the task is on its way to what is wanted of it. */
  readonly #onTheWay = new Set<TaskId>();
  #wake: () => void = () => undefined;

  set(taskId: TaskId, status: TaskStatus, { isOnTheWay = false }: { readonly isOnTheWay?: boolean } = {}): void {
    this.#latest.set(taskId, status);
    if (!isOnTheWay) this.#onTheWay.delete(taskId);
    else if (!this.#unsent.has(taskId)) this.#onTheWay.add(taskId);
    this.#unsent.add(taskId);
    this.#wake();
  }

  forget(taskId: TaskId): void {
    this.#latest.delete(taskId);
    this.#sent(taskId);
  }

  get hasUnsent(): boolean {
    return this.#unsent.size > 0;
  }

  /** Not all of it is of tasks on their way. */
  get hasUrgent(): boolean {
    return this.#unsent.size > this.#onTheWay.size;
  }

  /** Called when there is something to send. */
  onUnsent(wake: () => void): void {
    this.#wake = wake;
  }

  /** A new session: what the last one was given may not have arrived. @param isKnown - The managers have it already, or are not to be told yet. */
  resend(isKnown: (taskId: TaskId, status: TaskStatus) => boolean): void {
    for (const [taskId, status] of this.#latest) {
      if (isKnown(taskId, status)) this.#sent(taskId);
      else this.#unsent.add(taskId);
    }
    this.#onTheWay.clear();
    this.#wake();
  }

  take(): readonly { readonly taskId: TaskId; readonly status: TaskStatus }[] {
    const batch: { readonly taskId: TaskId; readonly status: TaskStatus }[] = [];
    for (const taskId of this.#unsent) {
      if (batch.length === BATCH_MAX) break;
      this.#sent(taskId);
      const status = this.#latest.get(taskId);
      if (status !== undefined) batch.push({ taskId, status });
    }
    return batch;
  }

  #sent(taskId: TaskId): void {
    this.#unsent.delete(taskId);
    this.#onTheWay.delete(taskId);
  }
}
