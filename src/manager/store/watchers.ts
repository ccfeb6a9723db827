import { OperationError } from "../../lib/errors.ts";
import type { Touched } from "./snapshot.ts";

/** A watcher this many changed objects behind is dropped: it starts over from a full read. */
export const WATCH_CHANGES_MAX = 10_000;

/** Hears of each entry while it is applied. It must be quick, and may not write. */
export interface StoreListener {
  touched(touched: Touched): void;
  /** The state was replaced as a whole: nothing is known about what changed. */
  replaced(): void;
}

/** The watchers of one store. Each entry's ids are shared by all of them. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #listeners = new Set<StoreListener>();

  /** Sees every entry applied from this call on, also before the first `next`. */
  open(signal: AbortSignal): AsyncIterable<Touched> {
    const watcher = new Watcher(signal, () => this.#watchers.delete(watcher));
    if (!signal.aborted) this.#watchers.add(watcher);
    return { [Symbol.asyncIterator]: () => watcher };
  }

  listen(listener: StoreListener, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  announce(touched: Touched): void {
    for (const listener of this.#listeners) listener.touched(touched);
    if (this.#watchers.size === 0) return;
    let changes = 0;
    for (const ids of touched.ids.values()) changes += ids.size;
    for (const watcher of this.#watchers) watcher.push(touched, changes);
  }

  /** The state was replaced as a whole: everyone starts over. */
  dropAll(): void {
    for (const listener of this.#listeners) listener.replaced();
    for (const watcher of this.#watchers) watcher.drop("the state was replaced by a snapshot");
  }
}

class Watcher implements AsyncIterator<Touched, undefined> {
  readonly #signal: AbortSignal;
  readonly #close: () => void;
  #queue: { readonly touched: Touched; readonly changes: number }[] = [];
  #behind = 0;
  #dropped: OperationError | undefined;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal, close: () => void) {
    this.#signal = signal;
    this.#close = () => {
      close();
      signal.removeEventListener("abort", this.#close);
      this.#wake?.();
    };
    signal.addEventListener("abort", this.#close);
  }

  push(touched: Touched, changes: number): void {
    this.#queue.push({ touched, changes });
    this.#behind += changes;
    if (this.#behind > WATCH_CHANGES_MAX) this.drop(`the watcher is ${this.#behind} changes behind`);
    this.#wake?.();
  }

  drop(why: string): void {
    this.#dropped = new OperationError("unavailable", `watch dropped, read everything again: ${why}`);
    this.#queue = [];
    this.#close();
  }

  /** @throws OperationError `unavailable` when it was dropped; the signal's reason when that is aborted. */
  async next(): Promise<IteratorResult<Touched, undefined>> {
    for (;;) {
      if (this.#dropped !== undefined) throw this.#dropped;
      this.#signal.throwIfAborted();
      const first = this.#queue.shift();
      if (first !== undefined) {
        this.#behind -= first.changes;
        return { done: false, value: first.touched };
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<Touched, undefined>> {
    this.#close();
    return { done: true, value: undefined };
  }
}
