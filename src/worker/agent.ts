import { setMaxListeners } from "node:events";
import { errorMessage } from "../lib/errors.ts";
import { LinkedSignal } from "../lib/linked-signal.ts";
import type { NodeDescription } from "../model/cluster.ts";
import type { NodeId } from "../model/ids.ts";
import type { AssignedTask, Authority, SessionDown, SessionUp } from "../model/session.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import {
  NOTHING_ASSIGNED,
  applyAssignments,
  assignedTasks,
  networkAssignments,
  touchesFiles,
  touchesNetwork,
} from "./assignment-state.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { Executor, TaskFiles } from "./executor.ts";
import { ManagerRounds } from "./manager-rounds.ts";
import { FileRenewal } from "./file-renewal.ts";
import { NetworkApplier } from "./network-applier.ts";
import { StatusReporter } from "./status-reporter.ts";
import type { TaskDb } from "./task-db.ts";
import { filesFor } from "./task-files.ts";
import { TaskSet } from "./task-set.ts";
import { UpStream } from "./up-stream.ts";

export interface AgentOptions {
  readonly executor: Executor;
  readonly db: TaskDb;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /**
   * Opens a session with the manager at `address`, whose host has to answer within `connectMs`. The iterable fails when the connection
   * does; `up` is read until `signal`.
   */
  readonly openSession: (
    address: string,
    options: { readonly up: AsyncIterable<SessionUp>; readonly connectMs: number; readonly signal: AbortSignal },
  ) => AsyncIterable<SessionDown>;
  /** Where managers were last known to be. */
  readonly managers: () => readonly string[];
  /** The managers said where they are, and who: to be kept for the next start. */
  readonly onManagers: (managers: { readonly addresses: readonly string[]; readonly nodeIds: readonly NodeId[] }) => void;
  /** Which roots this node is to trust, and whose certificate to have. */
  readonly onAuthority: (authority: Authority) => void;
  readonly describe: () => Promise<{ readonly description: NodeDescription; readonly address: string }>;
}

/** The worker of this node. Runs tasks with or without managers; with one it hears of changes and tells how they fare. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #reporter = new StatusReporter();
  #assigned: AssignmentState = NOTHING_ASSIGNED;
  readonly #rounds: ManagerRounds;
  #wake: () => void = () => undefined;
  #onAssigned = new Set<() => void>();
  /** How often what this node says of itself has changed. */
  #changes = 0;
  /** Of the last session. */
  #up: UpStream | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#rounds = new ManagerRounds(options.random);
  }

  /** What kept managers from taking this worker's sessions may be gone: they are tried again now. */
  retryNow(): void {
    this.#rounds.restart();
    this.#wake();
  }

  /** What this node says of itself has changed. */
  async describeAgain(): Promise<void> {
    const change = ++this.#changes;
    const description = await this.#options.describe();
    if (change === this.#changes) this.#up?.sayHello({ kind: "hello", ...description });
  }

  /** Runs until `signal`; containers run on. @throws The signal's reason. */
  async run(options: { readonly signal: AbortSignal }): Promise<never> {
    const { executor, clock, log } = this.#options;
    // Every task listens to it.
    const signal = AbortSignal.any([options.signal]);
    setMaxListeners(0, signal);
    const applier = new NetworkApplier({ executor, clock, log, signal });
    const renewal = new FileRenewal({
      ...{ executor, clock, log, signal },
      assigned: () => this.#assigned,
      isRunning: id => tasks.isRunning(id),
    });
    const tasks: TaskSet = new TaskSet({
      ...this.#options,
      onRunning: task => renewal.look(task),
      reporter: this.#reporter,
      signal,
      needs: (task, waiting) => this.#needs(task, { ...waiting, applier }),
    });
    try {
      await tasks.restore();
      for (;;) {
        const { address, delayMs, connectMs } = this.#rounds.next(this.#options.managers());
        await this.#pause(delayMs, signal);
        if (address !== undefined) await this.#session(address, { tasks, applier, renewal, connectMs, signal });
      }
    } finally {
      await tasks.settled();
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    using linked = new LinkedSignal([signal, woken.signal]);
    await this.#options.clock.sleep(ms, { signal: linked.signal }).catch(() => undefined);
    this.#wake = () => undefined;
    signal.throwIfAborted();
  }

  async #session(
    address: string,
    context: {
      readonly tasks: TaskSet;
      readonly applier: NetworkApplier;
      readonly renewal: FileRenewal;
      readonly connectMs: number;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const { clock, log, openSession, onManagers, onAuthority, describe } = this.#options;
    const over = new AbortController();
    using linked = new LinkedSignal([context.signal, over.signal]);
    const { signal } = linked;
    try {
      const changes = this.#changes;
      const hello = await describe();
      const up = new UpStream({ hello: { kind: "hello", ...hello }, reporter: this.#reporter, clock, signal });
      this.#up = up;
      if (changes !== this.#changes) await this.describeAgain(); // It changed while it was being said, and there was no session to say so in.
      for await (const message of openSession(address, { up: up.messages(), connectMs: context.connectMs, signal })) {
        if (message.kind === "welcome") {
          this.#rounds.succeeded(address);
          up.setBeatPeriod(message.beatPeriodMs);
          log.info({ manager: address, session: message.sessionId }, "a manager took this node's session");
        } else if (message.kind === "managers") {
          onManagers(message);
        } else if (message.kind === "authority") {
          onAuthority(message.authority);
        } else if (message.kind === "assignments") {
          await this.#apply(message.assignments, { ...context, up });
        }
      }
      if (!context.signal.aborted) log.info({ manager: address }, "the manager ended the session");
    } catch (error) {
      if (!context.signal.aborted)
        log.warn({ manager: address, error: errorMessage(error) }, "the session with the manager failed");
    } finally {
      over.abort();
    }
  }

  async #apply(
    assignments: Extract<SessionDown, { kind: "assignments" }>["assignments"],
    {
      tasks,
      applier,
      renewal,
      up,
    }: { readonly tasks: TaskSet; readonly applier: NetworkApplier; readonly renewal: FileRenewal; readonly up: UpStream },
  ): Promise<void> {
    this.#assigned = applyAssignments(this.#assigned, assignments);
    if (touchesNetwork(assignments)) applier.set(networkAssignments(this.#assigned));
    for (const wake of this.#onAssigned) wake();
    await tasks.apply(assignedTasks(this.#assigned));
    if (touchesFiles(assignments)) for (const task of tasks.running()) renewal.look(task);
    if (!assignments.isFull) return;
    // Only now is it known which tasks were replaced meanwhile: those say nothing until they have stopped.
    this.#reporter.resend((taskId, status) => tasks.isKnown(taskId, status));
    up.openStatuses();
    void tasks.removeStrangers().catch((error: unknown) => {
      this.#options.log.warn({ error: errorMessage(error) }, "containers of former tasks could not be removed");
    });
  }

  async #needs(
    task: AssignedTask,
    { applier, signal }: { readonly applier: NetworkApplier; readonly signal: AbortSignal },
  ): Promise<TaskFiles> {
    for (;;) {
      const files = filesFor(task, this.#assigned);
      if (files !== undefined) {
        if (task.task.networks.length > 0) await applier.settled({ signal });
        return files;
      }
      signal.throwIfAborted();
      await new Promise<void>(resolve => {
        const wake = (): void => {
          this.#onAssigned.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#onAssigned.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }
}
