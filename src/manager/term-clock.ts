import type { Clock } from "../ports/clock.ts";

/** Of the time that goes by, so much at most is added or left out to come back to the wall clock. */
const CORRECTION_MAX = 0.01;
/** A clock that is off by more was not set when the term began. */
const STEP_MAX_MS = 24 * 3_600_000;

/**
 * The leader's clock. Its wall time is the machine's as the term begins and goes on evenly from there, whatever that one is set to
 * meanwhile; it comes back to it slowly. So what is written in a term and what is planned in it are of one time: a wait that began
 * is over when it has lasted, not when somebody corrects the clock.
 */
export class TermClock implements Clock {
  readonly #clock: Clock;
  #lastMs = 0;
  #lastMonotonicMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.beginTerm();
  }

  /** Whoever led before had a clock of its own: from here on this machine's counts. */
  beginTerm(): void {
    this.#lastMs = this.#clock.nowMs();
    this.#lastMonotonicMs = this.#clock.monotonicMs();
  }

  nowMs(): number {
    const monotonicMs = this.#clock.monotonicMs();
    const passedMs = monotonicMs - this.#lastMonotonicMs;
    const wallMs = this.#clock.nowMs();
    const offMs = wallMs - (this.#lastMs + passedMs);
    const correctionMs = Math.max(-CORRECTION_MAX * passedMs, Math.min(offMs, CORRECTION_MAX * passedMs));
    this.#lastMs = Math.abs(offMs) > STEP_MAX_MS ? wallMs : this.#lastMs + passedMs + correctionMs;
    this.#lastMonotonicMs = monotonicMs;
    return Math.floor(this.#lastMs);
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.#clock.sleep(ms, options);
  }

  timeout(ms: number): AbortSignal {
    return this.#clock.timeout(ms);
  }
}
