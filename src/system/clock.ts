import { OperationError } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";

/** Node fires a timer with a longer delay at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** @returns what calls it off. */
function startTimer(ms: number, run: () => void): () => void {
  if (ms === 0) {
    // A timer waits for a whole millisecond at least; this for nothing but what is due.
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  }
  const timer = setTimeout(run, Math.min(ms, TIMER_MS_MAX));
  return () => clearTimeout(timer);
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, { signal } = {}) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = startTimer(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
  timeout(ms) {
    const controller = new AbortController();
    const abort = () => controller.abort(new OperationError("unavailable", `timed out after ${ms} ms`));
    // A deadline keeps no process alive.
    setTimeout(abort, Math.min(ms, TIMER_MS_MAX)).unref();
    return controller.signal;
  },
};
