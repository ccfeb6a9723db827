import { OperationError } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";

/** Node fires a timer with a longer delay at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

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
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        Math.min(ms, TIMER_MS_MAX),
      );
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
