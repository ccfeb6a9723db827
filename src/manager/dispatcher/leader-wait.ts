import { LinkedSignal } from "../../lib/linked-signal.ts";
import type { Clock } from "../../ports/clock.ts";

const ASK_PERIOD_MS = 100;

/** Thousands may wait for a leader at once: one asks for all. */
export class LeaderWait {
  readonly #isThere: () => Promise<boolean>;
  readonly #clock: Clock;
  readonly #waiting = new Set<AbortController>();
  #isAsking = false;

  /** @param isThere - Whether a leader answers now. */
  constructor({ isThere, clock }: { readonly isThere: () => Promise<boolean>; readonly clock: Clock }) {
    this.#isThere = isThere;
    this.#clock = clock;
  }

  /** Resolves when a leader has answered, or after `ms` without one. @throws The signal's reason. */
  async wait(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const answered = new AbortController();
    this.#waiting.add(answered);
    if (!this.#isAsking) void this.#ask();
    try {
      using linked = new LinkedSignal([signal, answered.signal]);
      await this.#clock.sleep(ms, { signal: linked.signal }).catch(() => undefined);
    } finally {
      this.#waiting.delete(answered);
    }
    signal.throwIfAborted();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.size > 0) {
      await this.#clock.sleep(ASK_PERIOD_MS);
      if (this.#waiting.size > 0 && (await this.#isThere())) for (const answered of this.#waiting) answered.abort();
    }
    this.#isAsking = false;
  }
}
