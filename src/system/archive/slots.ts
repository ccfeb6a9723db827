import { OperationError } from "../../lib/errors.ts";

const WAITING_MAX = 10_000;

/** At most so many at a time; the others wait in line. */
export class Slots {
  readonly #max: number;
  #taken = 0;
  readonly #queue: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** @returns what gives the slot back; twice is safe. */
  async take(): Promise<() => void> {
    if (this.#taken < this.#max) this.#taken++;
    else {
      if (this.#queue.length >= WAITING_MAX) throw new OperationError("unavailable", "too many archive operations are waiting");
      await new Promise<void>(resolve => this.#queue.push(resolve)); // The slot is handed over, so it stays taken.
    }
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#queue.shift();
      if (next === undefined) this.#taken--;
      else next();
    };
  }
}
