/** What was opened, in order; disposed in the opposite one. Node 20 has no AsyncDisposableStack. */
export class Disposal implements AsyncDisposable {
  readonly #items: (AsyncDisposable | Disposable)[] = [];

  use<T extends AsyncDisposable | Disposable>(item: T): T {
    this.#items.push(item);
    return item;
  }

  /** Runs `dispose` in its turn. */
  defer(dispose: () => void | Promise<void>): void {
    this.#items.push({ [Symbol.asyncDispose]: async () => dispose() });
  }

  /** Goes on after a failure; throws the first one at the end. Twice is safe. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let item = this.#items.pop(); item !== undefined; item = this.#items.pop()) {
      try {
        if (Symbol.asyncDispose in item) await item[Symbol.asyncDispose]();
        else item[Symbol.dispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
