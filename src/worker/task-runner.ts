import { errorMessage } from "../lib/errors.ts";
import { LinkedSignal } from "../lib/linked-signal.ts";
import type { TaskStatus } from "../model/cluster.ts";
import type { TaskId } from "../model/ids.ts";
import type { AssignedTask } from "../model/session.ts";
import type { TaskState } from "../model/task-state.ts";
import { isTerminal, isToRun, stateRank } from "../model/task-state.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Executor, TaskFiles } from "./executor.ts";
import { nextStep } from "./task-machine.ts";

/** Between the news that a task is to stop and its signal: by then no node sends it new connections. */
const DRAIN_MS = 500;
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 5_000;

export interface TaskRunnerOptions {
  readonly task: AssignedTask;
  /** From the task db after a restart; otherwise what the assignment says. */
  readonly status: TaskStatus;
  readonly executor: Executor;
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves once the node's networks are as they were told, and all secrets and configs of the task are here. */
  readonly needs: (task: AssignedTask, options: { readonly signal: AbortSignal }) => Promise<TaskFiles>;
  /** Keeps it, so that a restarted daemon goes on from here; then tells the managers. Never fails. */
  readonly onStatus: (taskId: TaskId, status: TaskStatus) => Promise<void>;
}

/** Takes one task through its states on this node, only forward. */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  #task: AssignedTask;
  #status: TaskStatus;
  #isPrepared = false;
  #stopToldAtMs: number | undefined;
  /** Aborted when it is told to stop; from then on it is never to run again. */
  readonly #toldToStop = new AbortController();
  #wake: () => void = () => undefined;
  #changes = 0;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#task = options.task;
    this.#status = options.status;
    this.#noteDesired();
  }

  get status(): TaskStatus {
    return this.#status;
  }

  get task(): AssignedTask {
    return this.#task;
  }

  /** It has been told to stop and has not yet. */
  get isStopping(): boolean {
    return this.#isToStop && !isTerminal(this.#status.state);
  }

  update(task: AssignedTask): void {
    // What is wanted of a task moves forward as it does itself; its status is this node's own to tell.
    const isLater = stateRank(task.task.desiredState) >= stateRank(this.#task.task.desiredState);
    this.#task = isLater ? task : this.#task;
    this.#noteDesired();
  }

  /** The managers know it no more: it is stopped, as if told so. */
  retire(): void {
    const { task } = this.#task;
    this.update({ ...this.#task, task: { ...task, desiredState: "remove" } });
  }

  /** Runs until the task has ended and rests, or `signal`. A daemon that stops leaves its containers running. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    using working = new LinkedSignal([signal, this.#toldToStop.signal]);
    while (!signal.aborted && !isTerminal(this.#status.state)) {
      const seen = this.#changes;
      const step = nextStep({
        state: this.#status.state,
        desiredState: this.#task.task.desiredState,
        isPrepared: this.#isPrepared,
      });
      switch (step.kind) {
        case "rest":
          await this.#rest({ seen, signal });
          break;
        case "accept":
          await this.#enter("accepted", { message: "accepted" });
          break;
        case "prepare":
          await this.#prepare(working.signal);
          break;
        case "start":
          await this.#start(working.signal);
          break;
        case "wait":
          await this.#wait(working.signal);
          break;
        case "stop":
          await this.#stop(signal);
          break;
      }
    }
  }

  get #isToStop(): boolean {
    return !isToRun(this.#task.task.desiredState);
  }

  #noteDesired(): void {
    this.#changes++;
    if (this.#isToStop && this.#stopToldAtMs === undefined) {
      this.#stopToldAtMs = this.#options.clock.monotonicMs();
      this.#toldToStop.abort();
    }
    this.#wake();
  }

  async #rest({ seen, signal }: { readonly seen: number; readonly signal: AbortSignal }): Promise<void> {
    if (seen !== this.#changes || signal.aborted) return;
    await new Promise<void>(resolve => {
      this.#wake = () => {
        signal.removeEventListener("abort", this.#wake);
        resolve();
      };
      signal.addEventListener("abort", this.#wake);
    });
    this.#wake = () => undefined;
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    if (stateRank(this.#status.state) < stateRank("preparing")) await this.#enter("preparing", { message: "preparing" });
    try {
      const files = await this.#options.needs(this.#task, { signal });
      try {
        await this.#options.executor.prepare(this.#task, { signal, files });
      } finally {
        for (const data of files.secrets.values()) data.fill(0);
      }
    } catch (error) {
      if (!signal.aborted) await this.#enter("rejected", { message: "preparing", error: errorMessage(error) });
      return;
    }
    this.#isPrepared = true;
    if (stateRank(this.#status.state) < stateRank("ready")) await this.#enter("ready", { message: "prepared" });
  }

  async #start(signal: AbortSignal): Promise<void> {
    if (stateRank(this.#status.state) < stateRank("starting")) await this.#enter("starting", { message: "starting" });
    try {
      const started = await this.#options.executor.start(this.#task, { signal });
      await this.#enter("running", { message: "started", ...started });
    } catch (error) {
      if (!signal.aborted) await this.#enter("failed", { message: "starting", error: errorMessage(error) });
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    try {
      const { exitCode, error } = await this.#options.executor.wait(this.#task.task.id, { signal });
      const known = this.#status.container;
      const container = known === undefined ? {} : { container: { ...known, exitCode } };
      if (exitCode === 0 && error === undefined) await this.#enter("complete", { message: "finished", ...container });
      else {
        const text = `task: non-zero exit (${exitCode})${error === undefined ? "" : `: ${error}`}`;
        await this.#enter("failed", { message: "started", error: text, ...container });
      }
    } catch (error) {
      if (!signal.aborted) await this.#enter("failed", { message: "started", error: errorMessage(error) });
    }
  }

  async #stop(signal: AbortSignal): Promise<void> {
    const { executor, clock, log } = this.#options;
    const { id, networks } = this.#task.task;
    try {
      if (this.#status.state === "running" && networks.length > 0) {
        const elapsedMs = clock.monotonicMs() - (this.#stopToldAtMs ?? 0);
        if (elapsedMs < DRAIN_MS) await clock.sleep(DRAIN_MS - elapsedMs, { signal });
      }
      for (let delayMs = RETRY_MIN_MS; ; delayMs = Math.min(RETRY_MAX_MS, delayMs * 2)) {
        try {
          if (stateRank(this.#status.state) >= stateRank("preparing")) await executor.stop(this.#task, { signal });
          break;
        } catch (error) {
          signal.throwIfAborted();
          log.warn({ task: id, error: errorMessage(error) }, "a task's container did not stop; trying again");
          await clock.sleep(delayMs, { signal });
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const { container } = this.#status;
    await this.#enter("shutdown", { message: "shutdown", ...(container !== undefined && { container }) });
  }

  async #enter(state: TaskState, facts: Omit<TaskStatus, "state" | "atMs">): Promise<void> {
    this.#status = { state, atMs: this.#options.clock.nowMs(), ...facts };
    await this.#options.onStatus(this.#task.task.id, this.#status);
  }
}
