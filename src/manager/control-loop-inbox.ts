import type { Clock } from "../ports/clock.ts";
import type { TableName } from "./store/change.ts";
import type { Snapshot, Touched } from "./store/snapshot.ts";
import type { StoreListener } from "./store/watchers.ts";

/** What the dispatcher reads. */
export interface WatchedStore {
  view(): Snapshot;
  /** Sees every entry applied from this call on. Fails with `unavailable` when it falls behind. */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<Touched>;
}

/** What the loop reads. */
export interface HeardStore {
  view(): Snapshot;
  /** Tells of every entry while it is applied, so that what was told is never behind `view`. */
  listen(listener: StoreListener, options: { readonly signal: AbortSignal }): void;
}

export type Taken =
  /** Start over: nothing is known about what changed. */
  { readonly kind: "all" } | { readonly kind: "touched"; readonly ids: ReadonlyMap<TableName, ReadonlySet<string>> };

const WOKEN = new Error("something was touched");

/** Collects what a store's entries touch until someone takes it. Holds ids only, each once. */
export class Inbox implements StoreListener {
  readonly #signal: AbortSignal;
  #ids = new Map<TableName, Set<string>>();
  #isAll = true;
  #wake: (() => void) | undefined;

  /** Everything counts as touched at first. Ends with `signal`. */
  constructor(store: HeardStore, { signal }: { readonly signal: AbortSignal }) {
    this.#signal = signal;
    store.listen(this, { signal });
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
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
    this.#wake = () => woken.abort(WOKEN); // A reason of its own would be an exception with its stack, at every entry.
    try {
      await clock.sleep(ms, { signal: woken.signal });
    } catch (error) {
      if (error !== WOKEN) throw error;
    } finally {
      this.#wake = undefined;
    }
    this.#signal.throwIfAborted();
  }

  touched({ ids: touched }: Touched): void {
    for (const [table, ids] of touched) {
      const known = this.#ids.get(table);
      if (known === undefined) this.#ids.set(table, new Set(ids));
      else for (const id of ids) known.add(id);
    }
    this.#wake?.();
  }

  replaced(): void {
    this.#isAll = true;
    this.#wake?.();
  }
}
