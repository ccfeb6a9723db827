import type { Clock } from "../../ports/clock.ts";

/** Of one turn of the event loop. What follows from a piece of work takes about as long again. */
const SLICE_MS = 5;

/**
 * Work that comes in crowds, done in the order in which it came: a little in each turn of the event loop, so that all else that is due
 * gets its turn too.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #isRunning = false;

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** What `work` returns when it was its turn. @throws What it throws; the signal's reason when that was aborted before. */
  async run<Result>(work: () => Result, { signal }: { readonly signal: AbortSignal }): Promise<Result> {
    const result = new Promise<Result>((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          signal.throwIfAborted();
          resolve(work());
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    if (!this.#isRunning) void this.#run();
    return await result;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const endsAtMs = this.#clock.monotonicMs() + SLICE_MS;
      let done = 0;
      for (const work of this.#waiting) {
        work();
        done++;
        if (this.#clock.monotonicMs() >= endsAtMs) break;
      }
      this.#waiting.splice(0, done);
      await this.#clock.sleep(0);
    }
    this.#isRunning = false;
  }
}
