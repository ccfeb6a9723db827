import { OperationError } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";

/** Node fires a timer with a longer delay at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Who lets other work go before its own goes on, in the order in which they came. One goes on in each turn of the event loop: several
 * slices of 10 or 20 ms in the same turn would be one long stall.
 */
const yielding = new Set<{ readonly goOn: () => void }>();
let isTurnDue = false;

function goOnInNextTurn(): void {
  if (isTurnDue || yielding.size === 0) return;
  isTurnDue = true;
  // A timer waits for a whole millisecond at least; this for nothing but what is due.
  setImmediate(() => {
    isTurnDue = false;
    const [first] = yielding;
    if (first !== undefined) yielding.delete(first);
    goOnInNextTurn();
    first?.goOn();
  });
}

/** @returns what calls it off. */
function startTimer(ms: number, run: () => void): () => void {
  if (ms === 0) {
    const entry = { goOn: run };
    yielding.add(entry);
    goOnInNextTurn();
    return () => yielding.delete(entry);
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
