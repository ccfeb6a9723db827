/** Managers' clocks differ, and are set: a time that lies further ahead than this was not told by the present one. */
const CLOCK_SLACK_MS = 10_000;

export interface Wait {
  /** By the clock of whichever manager led then, in ms since 1970. */
  readonly fromMs: number;
  readonly durationMs: number;
}

/**
 * When a wait is over, in ms since 1970. A wait that would have begun well after now is over already: the clock was set back, or another
 * manager's ran ahead, and nobody is to wait for hours because of that.
 */
export function endOf({ fromMs, durationMs }: Wait, nowMs: number): number {
  return fromMs > nowMs + CLOCK_SLACK_MS ? nowMs : fromMs + durationMs;
}
