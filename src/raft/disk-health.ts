import { errnoCode } from "../lib/errors.ts";

/** A write that takes longer is that of a slow disk: another manager should lead. */
const SLOW_MS = 2_000;
/** A write that takes longer may never end: this manager makes way even if nobody took over. */
const STUCK_MS = 5_000;
/** Leadership is offered no more often, so that it does not go round where all disks are slow. */
const OFFER_PERIOD_MS = 30_000;

/** There is no room for what was to be written. It was not written, and may be later. */
export function isDiskFull(error: unknown): boolean {
  const code = errnoCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

export type DiskAdvice = "nothing" | "offer-leadership" | "make-way";

/** How the log's disk is doing, by the write that is under way. Times are of the monotonic clock, in ms. */
export class DiskHealth {
  #writingSinceMs: number | undefined;
  #offeredMs = -Infinity;

  begin(nowMs: number): void {
    this.#writingSinceMs = nowMs;
  }

  end(): void {
    this.#writingSinceMs = undefined;
  }

  /** The process stood still, so the write's time may be its own: it counts from now. */
  stalled(nowMs: number): void {
    if (this.#writingSinceMs !== undefined) this.#writingSinceMs = nowMs;
  }

  /** What a leader should do about it; asked at every tick. */
  advice(nowMs: number): DiskAdvice {
    const writingMs = this.#writingSinceMs === undefined ? 0 : nowMs - this.#writingSinceMs;
    if (writingMs >= STUCK_MS) return "make-way";
    if (writingMs < SLOW_MS || nowMs - this.#offeredMs < OFFER_PERIOD_MS) return "nothing";
    this.#offeredMs = nowMs;
    return "offer-leadership";
  }
}
