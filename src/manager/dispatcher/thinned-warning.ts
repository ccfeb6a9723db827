import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";

const PERIOD_MS = 1_000;

/** A warning that thousands may have cause for at once: one line a second at most, which counts those since the last as `unsaid`. */
export class ThinnedWarning {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #log: Pick<Log, "warn">;
  #saidAtMs = -Infinity;
  #unsaid = 0;

  constructor({ clock, log }: { readonly clock: Pick<Clock, "monotonicMs">; readonly log: Pick<Log, "warn"> }) {
    this.#clock = clock;
    this.#log = log;
  }

  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#saidAtMs < PERIOD_MS) {
      this.#unsaid++;
      return;
    }
    this.#log.warn(this.#unsaid === 0 ? fields : { ...fields, unsaid: this.#unsaid }, message);
    this.#saidAtMs = nowMs;
    this.#unsaid = 0;
  }
}
