import { errorMessage } from "../lib/errors.ts";
import type { TaskId } from "../model/ids.ts";
import type { AssignedTask } from "../model/session.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { Executor } from "./executor.ts";
import { filesFor, reloadSignalsOf } from "./task-files.ts";

const RETRY_MS = 2_000;
/** A task whose files cannot be written is told of at the next start of the daemon, or with the next change. */
const ATTEMPTS_MAX = 30;

export interface FileRenewalOptions {
  readonly executor: Pick<Executor, "renewFiles">;
  readonly clock: Clock;
  readonly log: Log;
  /** As it is now. */
  readonly assigned: () => AssignmentState;
  readonly isRunning: (taskId: TaskId) => boolean;
  readonly signal: AbortSignal;
}

/** Gives running tasks the new data of their secrets and configs: what the managers said last, whatever was said before. */
export class FileRenewal {
  readonly #options: FileRenewalOptions;
  readonly #busy = new Map<TaskId, { isDue: boolean }>();

  constructor(options: FileRenewalOptions) {
    this.#options = options;
  }

  /** Its files may have to be others. One look at a time for each task; what comes meanwhile is looked at afterwards. */
  look(task: AssignedTask): void {
    const { id } = task.task;
    if (reloadSignalsOf(task, this.#options.assigned()).size === 0) return;
    const known = this.#busy.get(id);
    if (known !== undefined) {
      known.isDue = true;
      return;
    }
    const state = { isDue: true };
    this.#busy.set(id, state);
    void this.#run(task, state).finally(() => this.#busy.delete(id));
  }

  async #run(task: AssignedTask, state: { isDue: boolean }): Promise<void> {
    const { clock, log, signal } = this.#options;
    for (let attempts = 0; state.isDue && attempts < ATTEMPTS_MAX && !signal.aborted; attempts++) {
      state.isDue = false;
      try {
        await this.#renew(task);
        attempts = 0;
      } catch (error) {
        state.isDue = true;
        log.warn({ task: task.task.id, error: errorMessage(error) }, "a task could not be given its new secrets and configs");
        await clock.sleep(RETRY_MS, { signal }).catch(() => undefined);
      }
    }
  }

  async #renew(task: AssignedTask): Promise<void> {
    const { executor, assigned, isRunning } = this.#options;
    const state = assigned();
    const files = isRunning(task.task.id) ? filesFor(task, state) : undefined;
    if (files === undefined) return; // It has ended, or is about to: they were taken from this node.
    try {
      await executor.renewFiles(task, { ...files, reloadSignals: reloadSignalsOf(task, state) });
    } finally {
      for (const data of files.secrets.values()) data.fill(0);
    }
  }
}
