import { errorMessage } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Executor, NetworkAssignments } from "./executor.ts";

const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 10_000;

/** Brings the node's networks to what was told last; what was told in between is passed over. */
export class NetworkApplier {
  readonly #options: { readonly executor: Executor; readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal };
  #wanted: NetworkAssignments | undefined;
  #wantedCount = 0;
  #appliedCount = 0;
  #running = false;
  readonly #waiters = new Set<() => void>();

  constructor(options: { readonly executor: Executor; readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal }) {
    this.#options = options;
  }

  set(state: NetworkAssignments): void {
    this.#wanted = state;
    this.#wantedCount++;
    if (!this.#running) void this.#run();
  }

  /** Resolves when what was told by now is in force. */
  async settled({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const count = this.#wantedCount;
    while (this.#appliedCount < count) {
      signal.throwIfAborted();
      await new Promise<void>(resolve => {
        const wake = (): void => {
          this.#waiters.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiters.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }

  async #run(): Promise<void> {
    const { executor, clock, log, signal } = this.#options;
    this.#running = true;
    let delayMs = RETRY_MIN_MS;
    try {
      while (this.#appliedCount < this.#wantedCount && this.#wanted !== undefined && !signal.aborted) {
        const count = this.#wantedCount;
        try {
          await executor.applyNetwork(this.#wanted);
        } catch (error) {
          log.warn({ error: errorMessage(error) }, "the node's networks could not be set up; trying again");
          await clock.sleep(delayMs, { signal }).catch(() => undefined);
          delayMs = Math.min(RETRY_MAX_MS, delayMs * 2);
          continue;
        }
        delayMs = RETRY_MIN_MS;
        this.#appliedCount = count;
        for (const wake of this.#waiters) wake();
      }
    } finally {
      this.#running = false;
    }
  }
}
