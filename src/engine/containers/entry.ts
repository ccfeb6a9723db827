import type { ContainerId, ExecId } from "../../model/ids.ts";
import type { ContainerLog } from "../logs/container-log.ts";
import type { LogForwarder } from "../logs/forward/log-forwarder.ts";
import type { RunLog } from "../logs/run-log.ts";
import type { ShimContainer } from "../runtime/shim.ts";
import type { HealthMonitor } from "./health-monitor.ts";
import { OperationQueue } from "./operation-queue.ts";
import type { OutputHub } from "./output-hub.ts";
import type { ContainerRecord } from "./record.ts";

/** One run of a container's process, from its creation to its end. */
export interface ContainerRun {
  readonly shim: ShimContainer;
  readonly rootfsPath: string;
  /** There when its output is read live: from its first byte, or since the first client where there is no log. */
  hub: OutputHub | undefined;
  /** Where this run's output is in the log; `undefined` without one, or when nobody knows (taken up after a restart). */
  readonly runLog: RunLog | undefined;
  readonly startedAtMonotonicMs: number;
}

export interface ExitResult {
  readonly exitCode: number;
  readonly error?: string;
}

/** Waits for a run to begin, to be there from its first byte. */
export interface WaitingAttachment {
  onRun(run: ContainerRun | undefined): void;
}

/** What the daemon holds of a container. Its record is what is kept; the rest lives and dies with the process. */
export class ContainerEntry {
  readonly id: ContainerId;
  record: ContainerRecord;
  readonly queue = new OperationQueue();
  /** Missing with log driver `none`. */
  readonly log: ContainerLog | undefined;
  /** There since its first start when its log is sent elsewhere. */
  forwarder: LogForwarder | undefined;
  run: ContainerRun | undefined;
  /** What is still being taken down of the last run. */
  teardown: Promise<void> = Promise.resolve();
  health: HealthMonitor | undefined;
  readonly waitingAttachments = new Set<WaitingAttachment>();
  /** What is being written to those who are attached and keep up: each settles when its client has all of the run's output, or has left. */
  readonly outputs = new Set<Promise<void>>();
  readonly execIds = new Set<ExecId>();
  /** Cut short when the user stops or removes it. */
  pendingRestart: AbortController | undefined;
  restartDelayMs = 0;
  /** The user has sent this run a signal that keeps its policy from starting it again. */
  isRestartCancelled = false;
  /** The user has asked this run to end. */
  isStopAsked = false;
  /** The engine has ended this run for its health, to start it again. */
  isEndedAsUnhealthy = false;
  /** The end of this run is in its record, and nobody was told yet. */
  isEndUntold = false;
  isRemoving = false;
  /** `restart` of a `--rm` container: its end does not remove it. */
  isHeldForRestart = false;
  readonly #exitWaiters = new Set<(result: ExitResult) => void>();
  readonly #removalWaiters = new Set<(result: ExitResult) => void>();

  constructor(record: ContainerRecord, log: ContainerLog | undefined) {
    this.id = record.container.id;
    this.record = record;
    this.log = log;
  }

  get name(): string {
    return this.record.container.name;
  }

  get state() {
    return this.record.container.state;
  }

  /** Resolves at the next end of its process, as registered now. */
  nextExit(signal?: AbortSignal): Promise<ExitResult> {
    return waitIn(this.#exitWaiters, signal);
  }

  removal(signal?: AbortSignal): Promise<ExitResult> {
    return waitIn(this.#removalWaiters, signal);
  }

  announceExit(result: ExitResult): void {
    this.isEndUntold = false;
    settle(this.#exitWaiters, result);
  }

  announceRemoval(result: ExitResult): void {
    settle(this.#exitWaiters, result);
    settle(this.#removalWaiters, result);
  }

  announceRun(run: ContainerRun | undefined): void {
    const waiting = [...this.waitingAttachments];
    this.waitingAttachments.clear();
    for (const attachment of waiting) attachment.onRun(run);
  }
}

function waitIn(waiters: Set<(result: ExitResult) => void>, signal: AbortSignal | undefined): Promise<ExitResult> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = () => {
      waiters.delete(waiter);
      reject(signal?.reason as Error);
    };
    const waiter = (result: ExitResult) => {
      signal?.removeEventListener("abort", onAbort);
      resolve(result);
    };
    waiters.add(waiter);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function settle(waiters: Set<(result: ExitResult) => void>, result: ExitResult): void {
  const all = [...waiters];
  waiters.clear();
  for (const waiter of all) waiter(result);
}
