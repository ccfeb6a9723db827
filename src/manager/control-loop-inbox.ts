import { OperationError } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { TableName } from "./store/change.ts";
import type { Snapshot, Touched } from "./store/snapshot.ts";

/** What the loop and the dispatcher read. */
export interface WatchedStore {
  view(): Snapshot;
  /** Sees every entry applied from this call on. Fails with `unavailable` when it falls behind. */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<Touched>;
}

export type Taken =
  /** Start over: nothing is known about what changed. */
  { readonly kind: "all" } | { readonly kind: "touched"; readonly ids: ReadonlyMap<TableName, ReadonlySet<string>> };

/** Collects what a store's entries touch until someone takes it. Holds ids only, each once. */
export class Inbox {
  readonly #signal: AbortSignal;
  #ids = new Map<TableName, Set<string>>();
  #isAll = true;
  #wake: (() => void) | undefined;

  /** Everything counts as touched at first. Ends with `signal`. */
  constructor(store: WatchedStore, { signal }: { readonly signal: AbortSignal }) {
    this.#signal = signal;
    void this.#pump(store);
  }

  get isEmpty(): boolean {
    return !this.#isAll && this.#ids.size === 0;
  }

  take(): Taken {
    const taken: Taken = this.#isAll ? { kind: "all" } : { kind: "touched", ids: this.#ids };
    this.#ids = new Map();
    this.#isAll = false;
    return taken;
  }

  /** Resolves when something was touched, or after `ms`. */
  async wait(ms: number, clock: Clock): Promise<void> {
    this.#signal.throwIfAborted();
    if (!this.isEmpty || ms <= 0) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    try {
      await clock.sleep(ms, { signal: AbortSignal.any([this.#signal, woken.signal]) });
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!woken.signal.aborted) throw error;
    } finally {
      this.#wake = undefined;
    }
  }

  async #pump(store: WatchedStore): Promise<void> {
    while (!this.#signal.aborted) {
      // Opened before what is marked here is read, so that no entry slips between.
      const watch = store.watch({ signal: this.#signal });
      this.#isAll = true;
      this.#wake?.();
      try {
        for await (const { ids } of watch) this.#note(ids);
      } catch (error) {
        if (this.#signal.aborted) return;
        // Fell behind: everything is read again.
        if (!(error instanceof OperationError) || error.kind !== "unavailable") throw error;
      }
    }
  }

  #note(touched: Touched["ids"]): void {
    for (const [table, ids] of touched) {
      const known = this.#ids.get(table);
      if (known === undefined) this.#ids.set(table, new Set(ids));
      else for (const id of ids) known.add(id);
    }
    this.#wake?.();
  }
}
