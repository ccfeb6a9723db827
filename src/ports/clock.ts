/** Time, as an effect: real in `system/clock.ts`, virtual in `test/sim`. */
export interface Clock {
  /** Wall time in ms since 1970. For people and records; never for measuring a duration. */
  nowMs(): number;
  /** Monotonic time in ms, from any origin. For deadlines. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. 0: what else is due gets its turn first, and each who waits so another. */
  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** A signal that aborts after `ms` with an OperationError `unavailable`. Join it to others by `AbortSignal.any`. */
  timeout(ms: number): AbortSignal;
}
