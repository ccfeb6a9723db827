/** Hands values to `work` one at a time. Of those that come meanwhile only the newest is handed over: what is older would be overwritten anyway. */
export class Newest<T> {
  readonly #work: (value: T) => Promise<void>;
  #waiting: { readonly value: T } | undefined;
  #isAtWork = false;

  /** @param work - Handles its own failures. */
  constructor(work: (value: T) => Promise<void>) {
    this.#work = work;
  }

  put(value: T): void {
    this.#waiting = { value };
    if (!this.#isAtWork) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isAtWork = true;
    try {
      for (let next = this.#waiting; next !== undefined; next = this.#waiting) {
        this.#waiting = undefined;
        await this.#work(next.value);
      }
    } finally {
      this.#isAtWork = false;
    }
  }
}
