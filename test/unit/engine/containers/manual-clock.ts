import { setImmediate } from "node:timers/promises";
import { OperationError } from "../../../../src/lib/errors.ts";
import type { Clock } from "../../../../src/ports/clock.ts";

/** Time that goes on only when told. */
export class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000;
  readonly #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();

  nowMs = () => this.#nowMs;
  monotonicMs = () => this.#nowMs;

  /** Whether something waits for just as long from now. */
  isDueIn(ms: number): boolean {
    return [...this.#timers].some(({ atMs }) => atMs === this.#nowMs + ms);
  }

  sleep(ms: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => {
        this.#timers.delete(timer);
        reject(signal?.reason as Error);
      };
      const fire = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const timer = { atMs: this.#nowMs + ms, fire };
      this.#timers.add(timer);
      signal?.addEventListener("abort", onAbort);
    });
  }

  timeout(ms: number): AbortSignal {
    const controller = new AbortController();
    this.#timers.add({ atMs: this.#nowMs + ms, fire: () => controller.abort(new OperationError("unavailable", "timed out")) });
    return controller.signal;
  }

  /** Fires what is due, in order, and lets what follows from it run. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.fire();
      for (let turn = 0; turn < 20; turn++) await setImmediate();
    }
    this.#nowMs = endMs;
  }
}
