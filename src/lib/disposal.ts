import { undoAll, type UndoStep } from "./undo.ts";

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

  /** Goes on after a failure; throws all of them at the end. Twice is safe. */
  async [Symbol.asyncDispose](): Promise<void> {
    await undoAll(this.#steps());
  }

  *#steps(): Generator<UndoStep> {
    for (let item = this.#items.pop(); item !== undefined; item = this.#items.pop()) {
      const last = item;
      yield () => (Symbol.asyncDispose in last ? last[Symbol.asyncDispose]() : last[Symbol.dispose]());
    }
  }
}
