import { errorMessage } from "../lib/errors.ts";
import type { TaskStatus } from "../model/cluster.ts";
import type { TaskId } from "../model/ids.ts";
import type { AssignedTask } from "../model/session.ts";
import type { TaskState } from "../model/task-state.ts";
import { isTerminal, isToRun, laterState, stateRank } from "../model/task-state.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Executor, TaskFiles } from "./executor.ts";
import type { StatusReporter } from "./status-reporter.ts";
import type { TaskDb } from "./task-db.ts";
import { TaskRunner } from "./task-runner.ts";

const REMOVE_RETRY_MS = 2_000;

export interface TaskSetOptions {
  readonly executor: Executor;
  readonly db: TaskDb;
  readonly reporter: StatusReporter;
  readonly clock: Clock;
  readonly log: Log;
  readonly needs: (task: AssignedTask, options: { readonly signal: AbortSignal }) => Promise<TaskFiles>;
  /** Its container runs from now on, or still does after a restart of the daemon. */
  readonly onRunning?: (task: AssignedTask) => void;
  /** Aborted when the daemon stops; containers run on. */
  readonly signal: AbortSignal;
}

/** The tasks of this node: one runner each, and the record of them. */
export class TaskSet {
  readonly #options: TaskSetOptions;
  readonly #runners = new Map<TaskId, { readonly runner: TaskRunner; readonly done: Promise<void> }>();
  readonly #retiring = new Map<TaskId, Promise<void>>();

  constructor(options: TaskSetOptions) {
    this.#options = options;
  }

  /** Takes up what ran before the daemon was restarted. */
  async restore(): Promise<void> {
    for (const { task, status } of await this.#options.db.load()) {
      this.#begin(task, status);
      this.#options.reporter.set(task.task.id, status);
    }
  }

  /** Makes the node's tasks those of `tasks`: new ones begin, the others hear what is wanted of them, missing ones are taken away. */
  async apply(tasks: ReadonlyMap<TaskId, AssignedTask>): Promise<void> {
    for (const [id, { runner }] of this.#runners) if (!tasks.has(id) && !this.#retiring.has(id)) this.#retire(id, runner);
    const added: AssignedTask[] = [];
    for (const [id, task] of tasks) {
      if (this.#retiring.has(id)) continue;
      const known = this.#runners.get(id)?.runner;
      if (known === undefined) added.push(task);
      else known.update(task);
    }
    // Recorded before anything is made for them; together, so that they share the disk's syncs.
    const statuses = await Promise.all(added.map(async task => [task, await this.#admit(task)] as const));
    for (const [task, status] of statuses) {
      this.#begin(task, status);
      if (status !== task.task.status) this.#options.reporter.set(task.task.id, status);
    }
  }

  /** Those that run and are not to stop. */
  running(): readonly AssignedTask[] {
    const runners = [...this.#runners.values()].map(({ runner }) => runner);
    return runners.filter(({ status, isStopping }) => status.state === "running" && !isStopping).map(({ task }) => task);
  }

  isRunning(taskId: TaskId): boolean {
    return this.running().some(({ task }) => task.id === taskId);
  }

  /** Takes away containers of tasks that nobody knows of any more. */
  async removeStrangers(): Promise<void> {
    const { executor } = this.#options;
    for (const id of await executor.list()) {
      if (!this.#runners.has(id) && !this.#retiring.has(id)) await executor.remove(id);
    }
  }

  /** The managers need not hear it now: they know it already, or the task is on its way out and its end will be told. */
  isKnown(taskId: TaskId, status: TaskStatus): boolean {
    const runner = this.#runners.get(taskId)?.runner;
    if (runner === undefined || runner.isStopping) return true;
    const told = runner.task.task.status;
    return told.state === status.state && told.atMs === status.atMs;
  }

  /** Resolves when the runners have seen that the daemon stops. */
  async settled(): Promise<void> {
    await Promise.all([...this.#runners.values()].map(({ done }) => done));
    await Promise.all(this.#retiring.values());
  }

  /** A container that no record tells of must never run: the task is refused, and may find a node with room on its disk. */
  async #admit(task: AssignedTask): Promise<TaskStatus> {
    const { db, clock, log } = this.#options;
    const { id, status } = task.task;
    try {
      await db.put({ task, status });
      return status;
    } catch (error) {
      log.error({ task: id, error: errorMessage(error) }, "a task could not be recorded");
      if (isTerminal(status.state)) return status;
      const text = `the task could not be recorded: ${errorMessage(error)}`;
      return { ...status, state: "rejected", atMs: clock.nowMs(), message: "preparing", error: text };
    }
  }

  /** As far as the disk lets it: from an earlier state a restarted daemon finds out anew what became of the task. */
  async #keep(task: AssignedTask, status: TaskStatus): Promise<void> {
    const isKept = laterState(status.state, "running") === status.state || status.state === "ready";
    if (!isKept) return;
    try {
      await this.#options.db.put({ task, status });
    } catch (error) {
      this.#options.log.error(
        { task: task.task.id, state: status.state, error: errorMessage(error) },
        "a task's state could not be recorded",
      );
    }
  }

  #begin(task: AssignedTask, status: TaskStatus): void {
    const { executor, clock, log, needs, signal, reporter, onRunning } = this.#options;
    const runner: TaskRunner = new TaskRunner({
      task,
      status,
      executor,
      clock,
      log,
      needs,
      onStatus: async (id, next) => {
        await this.#keep(runner.task, next);
        reporter.set(id, next, { isOnTheWay: isOnTheWay(next.state, runner.task.task.desiredState) });
        if (next.state === "running") onRunning?.(runner.task);
      },
    });
    const done = runner.run({ signal }).catch((error: unknown) => {
      log.error({ task: task.task.id, error: errorMessage(error) }, "a task's runner failed");
    });
    this.#runners.set(task.task.id, { runner, done });
  }

  #retire(id: TaskId, runner: TaskRunner): void {
    const { executor, db, reporter, clock, log, signal } = this.#options;
    const work = async (): Promise<void> => {
      runner.retire();
      await this.#runners.get(id)?.done;
      while (!signal.aborted) {
        try {
          await executor.remove(id);
          await db.remove(id);
          reporter.forget(id);
          this.#runners.delete(id);
          return;
        } catch (error) {
          log.warn({ task: id, error: errorMessage(error) }, "a task's container could not be removed; trying again");
          await clock.sleep(REMOVE_RETRY_MS, { signal }).catch(() => undefined);
        }
      }
    };
    this.#retiring.set(
      id,
      work().finally(() => this.#retiring.delete(id)),
    );
  }
}

/** It is to run and does not yet, or waits to be let: what it has come to in between is told for people alone. */
function isOnTheWay(state: TaskState, desiredState: TaskState): boolean {
  const goal = stateRank(desiredState) < stateRank("running") ? desiredState : "running";
  return isToRun(desiredState) && stateRank(state) < stateRank(goal);
}
