/** Items that may wait to be taken, of all sources together. */
const WAITING_MAX = 64;

/** Several streams as one, in the order in which items come; a slow reader holds the sources back. Sources may be added until `close`. */
export class MergedStreams<T> {
  readonly #items: T[] = [];
  #sources = 0;
  #isClosed = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #wakeReader: () => void = () => {};
  #wakeWriters: (() => void)[] = [];

  add(source: AsyncIterable<T>): void {
    this.#sources++;
    void this.#pump(source);
  }

  /** No more sources: it ends with the last of them. */
  close(): void {
    this.#isClosed = true;
    this.#wakeReader();
  }

  /** To be read once. @throws what the first source that failed has thrown. */
  async *read(): AsyncGenerator<T> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          this.#release();
          yield item;
        } else if (this.#failure !== undefined) throw this.#failure.error;
        else if (this.#isClosed && this.#sources === 0) return;
        else await new Promise<void>(resolve => (this.#wakeReader = resolve));
      }
    } finally {
      this.#isOver = true;
      this.#release();
    }
  }

  async #pump(source: AsyncIterable<T>): Promise<void> {
    try {
      for await (const item of source) {
        while (this.#items.length >= WAITING_MAX && !this.#isOver) {
          await new Promise<void>(resolve => this.#wakeWriters.push(resolve));
        }
        if (this.#isOver) return;
        this.#items.push(item);
        this.#wakeReader();
      }
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#sources--;
      this.#wakeReader();
    }
  }

  #release(): void {
    const writers = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const wake of writers) wake();
  }
}
