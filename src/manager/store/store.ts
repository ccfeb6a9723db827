import { createHash } from "node:crypto";
import { UnknownWireValue } from "../../codec/combinators.ts";
import { entryBytes, FIRST_FORMAT_LEVEL, FORMAT_LEVEL } from "../../codec/entry.ts";
import type { Change, Entry } from "../../model/entry.ts";
import type { RequestId } from "../../model/ids.ts";
import type { StateMachine } from "../../ports/consensus.ts";
import type { ApplyResult, TableName } from "./change.ts";
import { changedId, claimConflict, inUseConflict, nameConflict, type Replaced, replacedBy, staleRefusal } from "./checks.ts";
import type { Touched } from "./snapshot.ts";
import { readSnapshot, writeSnapshot } from "./snapshot-stream.ts";
import { Draft, emptyState, type State } from "./state.ts";
import { StateSnapshot } from "./state-snapshot.ts";
import { type StoreListener, Watchers } from "./watchers.ts";

/** The cluster's replicated state on one manager. Raft alone writes it; everybody reads snapshots. */
export class Store implements StateMachine {
  #state: State = emptyState();
  #current = new StateSnapshot(this.#state);
  readonly #watchers = new Watchers();
  readonly #formatLevel: number;

  /** @param options.formatLevel - The newest format of entries that it reads; it stops at one above. */
  constructor({ formatLevel = FORMAT_LEVEL }: { readonly formatLevel?: number } = {}) {
    this.#formatLevel = formatLevel;
  }

  /** The state now; later entries do not change it. Costs nothing. */
  view(): StateSnapshot {
    return this.#current;
  }

  /** What each entry touches from this call on. Bounded: one that falls behind is dropped with an `unavailable` error. */
  watch({ signal }: { readonly signal: AbortSignal }): AsyncIterable<Touched> {
    return this.#watchers.open(signal);
  }

  /** As `watch`, but told while the entry is applied: who listens is never behind what `view` shows. */
  listen(listener: StoreListener, { signal }: { readonly signal: AbortSignal }): void {
    this.#watchers.listen(listener, signal);
  }

  /** What a user's request answered when it was carried out, if it is among the last 20,000. */
  completedRequest(id: RequestId): { readonly index: number; readonly result: Uint8Array } | undefined {
    return this.#state.trees.requests.get(id);
  }

  apply({ index, term, data }: { readonly index: number; readonly term: number; readonly data: Uint8Array }): ApplyResult {
    const entry = entryBytes.decode(data);
    this.#checkLevel(entry.level);
    const result = this.#applyEntry(entry, { index, term });
    if (this.#state.index < index) this.#publish({ ...this.#state, index });
    return result;
  }

  #checkLevel(level = FIRST_FORMAT_LEVEL): void {
    if (level > this.#formatLevel)
      throw new UnknownWireValue(`the cluster's format is ${level}; this program reads ${this.#formatLevel}`);
  }

  #applyEntry(entry: Entry, { index, term }: { readonly index: number; readonly term: number }): ApplyResult {
    const before = this.#state;
    const done = entry.request && before.trees.requests.get(entry.request.id);
    if (done !== undefined) return { kind: "applied", index: done.index, result: done.result };
    if (entry.term !== undefined && entry.term !== term) {
      return { kind: "refused", reason: "term", message: `a plan of term ${entry.term} in an entry of term ${term}` };
    }
    const replaced = replacedBy(entry, before);
    const stale = staleRefusal(before, entry, replaced);
    if (stale !== undefined) return stale;

    const draft = new Draft(before);
    for (const [at, change] of entry.changes.entries()) {
      const conflict = nameConflict(draft.trees, change);
      if (conflict !== undefined) return conflict;
      draft.change(stamped(change, { previous: replaced[at], index, atMs: entry.atMs }));
    }
    for (const change of entry.changes) {
      const conflict = inUseConflict(draft.trees, change) ?? claimConflict(draft.trees, change);
      if (conflict !== undefined) return conflict;
    }
    if (entry.request !== undefined) draft.complete({ ...entry.request, index });
    this.#publish(draft.finish(index));
    this.#watchers.announce({ index, ids: touchedIds(entry.changes), view: this.#current });
    return { kind: "applied", index, ...(entry.request === undefined ? {} : { result: entry.request.result }) };
  }

  #publish(state: State): void {
    this.#state = state;
    this.#current = new StateSnapshot(state);
  }

  snapshot(): AsyncIterable<Uint8Array> {
    return writeSnapshot(this.#state);
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const state = await readSnapshot(chunks);
    this.#publish(state);
    this.#checkLevel(this.#current.formatLevel);
    this.#watchers.dropAll();
  }

  /** Equal on managers that have applied the same entries. `pause` is awaited between slices of a few ms. */
  async stateHash({ pause }: { readonly pause?: () => Promise<void> } = {}): Promise<{ index: number; hash: string }> {
    const { index } = this.#state;
    const hash = createHash("sha256");
    for await (const chunk of this.snapshot()) {
      hash.update(chunk);
      await pause?.();
    }
    return { index, hash: hash.digest("hex") };
  }
}

/** The change with its object's version and times as this entry makes them. */
function stamped(
  change: Change,
  { previous, index, atMs }: { readonly previous: Replaced[number]; readonly index: number; readonly atMs: number },
): Change {
  if (change.kind === "remove") return change;
  const object = { ...change.object, version: index, createdAtMs: previous?.createdAtMs ?? atMs, updatedAtMs: atMs };
  return { ...change, object } as Change;
}

function touchedIds(changes: readonly Change[]): ReadonlyMap<TableName, ReadonlySet<string>> {
  const ids = new Map<TableName, Set<string>>();
  for (const change of changes) {
    const ofTable = ids.get(change.table) ?? new Set();
    ids.set(change.table, ofTable.add(changedId(change)));
  }
  return ids;
}
