import { assert, defined } from "../lib/assert.ts";
import type { Entry } from "./types.ts";

/** What an entry weighs in a message or in memory besides its data, in bytes. */
export const ENTRY_OVERHEAD_BYTES = 16;

export function entryBytes(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

export interface LogOptions {
  /** The entry before the first one held; 0 and 0 for a new log. */
  readonly baseIndex: number;
  readonly baseTerm: number;
  /** Durable already, contiguous from `baseIndex + 1`. */
  readonly entries: readonly Entry[];
  readonly commit: number;
  readonly applied: number;
}

/**
 * The entries after the last compaction, in memory, and how far they are handed to the disk, durable, committed and handed to
 * the state machine.
 *
 * Invariants: base <= applied <= commit <= last; applied <= persisted <= handed <= last. Committed entries are never replaced.
 */
export class RaftLog {
  #entries: Entry[];
  #baseIndex: number;
  #baseTerm: number;
  #commit: number;
  #applied: number;
  #persisted: number;
  #handed: number;

  constructor({ baseIndex, baseTerm, entries, commit, applied }: LogOptions) {
    this.#entries = [...entries];
    this.#baseIndex = baseIndex;
    this.#baseTerm = baseTerm;
    this.#persisted = this.#handed = this.lastIndex;
    this.#commit = commit;
    this.#applied = applied;
    assert(baseIndex <= applied && applied <= commit && commit <= this.lastIndex, "log pointers are out of order");
    assert(
      entries.every((entry, at) => entry.index === baseIndex + 1 + at),
      "log entries are not contiguous",
    );
  }

  get baseIndex(): number {
    return this.#baseIndex;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#baseTerm;
  }

  get commit(): number {
    return this.#commit;
  }

  /** The last entry handed out to be applied. */
  get applied(): number {
    return this.#applied;
  }

  get persisted(): number {
    return this.#persisted;
  }

  /** `undefined`: compacted away or not there yet. */
  termAt(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.#entries[index - this.#baseIndex - 1]?.term;
  }

  matches(index: number, term: number): boolean {
    return this.termAt(index) === term;
  }

  /** Whether a log that ends so is at least as complete as this one (Raft 5.4.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, `entry ${entry.index} does not follow ${this.lastIndex}`);
      assert(entry.term >= this.lastTerm, `entry ${entry.index} goes back to term ${entry.term}`);
      this.#entries.push(entry);
    }
  }

  /** The entries among these that are not held yet: they begin where the logs part, or are empty. */
  newAmong(entries: readonly Entry[]): readonly Entry[] {
    const at = entries.findIndex(entry => !this.matches(entry.index, entry.term));
    if (at === 0) return entries;
    return at < 0 ? [] : entries.slice(at);
  }

  /** Drops `index` and all after it: they conflict with the leader's (Raft 5.3). */
  truncateFrom(index: number): void {
    assert(index > this.#commit, `entry ${index} is committed (${this.#commit}) and may not be replaced`);
    this.#entries.length = index - this.#baseIndex - 1;
    this.#handed = Math.min(this.#handed, index - 1);
    this.#persisted = Math.min(this.#persisted, index - 1);
  }

  /** The last index at or before `index` whose term is at most `term`: everything after it cannot match a log with that term there. */
  lastWithTermAtMost(index: number, term: number): { readonly index: number; readonly term: number } {
    for (let at = Math.min(index, this.lastIndex); at > this.#baseIndex; at--) {
      const termHere = defined(this.termAt(at), `term of entry ${at}`);
      if (termHere <= term) return { index: at, term: termHere };
    }
    return { index: Math.min(index, this.#baseIndex), term: index >= this.#baseIndex ? this.#baseTerm : 0 };
  }

  /** Never goes back. */
  commitTo(index: number): boolean {
    if (index <= this.#commit) return false;
    assert(index <= this.lastIndex, `commit ${index} is past the last entry ${this.lastIndex}`);
    this.#commit = index;
    return true;
  }

  get hasUnpersisted(): boolean {
    return this.#handed < this.lastIndex;
  }

  /** Entries to write now; each is handed out once. */
  takeUnpersisted(): readonly Entry[] {
    const entries = this.hasUnpersisted ? this.#entries.slice(this.#handed - this.#baseIndex) : [];
    this.#handed = this.lastIndex;
    return entries;
  }

  /** Everything up to this entry is durable, unless it was replaced while it was being written. */
  persistedTo(index: number, term: number): void {
    if (index <= this.#persisted || !this.matches(index, term)) return;
    this.#persisted = index;
  }

  /** Whether an entry of this kind after `index` is committed. */
  isCommittedAfter(index: number, kind: Entry["kind"]): boolean {
    for (let at = this.#commit; at > Math.max(index, this.#baseIndex); at--) {
      if (this.#entries[at - this.#baseIndex - 1]?.kind === kind) return true;
    }
    return false;
  }

  get hasApplicable(): boolean {
    return this.#applied < Math.min(this.#commit, this.#persisted);
  }

  /** The next committed and durable entries, at most `countMax`; each is handed out once. */
  takeApplicable(countMax: number): readonly Entry[] {
    const last = Math.min(this.#commit, this.#persisted, this.#applied + countMax);
    if (last <= this.#applied) return [];
    const entries = this.#entries.slice(this.#applied - this.#baseIndex, last - this.#baseIndex);
    this.#applied = last;
    return entries;
  }

  /** From `index` on, at least one entry if there is one, then as many as fit. */
  read(index: number, bytesMax: number): { readonly entries: readonly Entry[]; readonly bytes: number } {
    const from = index - this.#baseIndex - 1;
    assert(from >= 0, `entry ${index} is compacted away`);
    let bytes = 0;
    let to = from;
    for (; to < this.#entries.length; to++) {
      const size = entryBytes(defined(this.#entries[to], "entry"));
      if (to > from && bytes + size > bytesMax) break;
      bytes += size;
    }
    return { entries: this.#entries.slice(from, to), bytes };
  }

  /** The entry before the last ones up to `index` that count and weigh no more than that. */
  beginOfLast(index: number, limits: { readonly entriesMax: number; readonly bytesMax: number }): number {
    let bytes = 0;
    let at = index;
    for (; at > this.#baseIndex && index - at < limits.entriesMax; at--) {
      bytes += entryBytes(defined(this.#entries[at - this.#baseIndex - 1], "entry"));
      if (bytes > limits.bytesMax) break;
    }
    return at;
  }

  /** Forgets the entries up to `index`, which a snapshot holds. */
  compactTo(index: number): void {
    if (index <= this.#baseIndex) return;
    assert(index <= this.#applied, `entry ${index} is not applied yet (${this.#applied}) and may not be compacted`);
    this.#baseTerm = defined(this.termAt(index), `term of entry ${index}`);
    this.#entries.splice(0, index - this.#baseIndex);
    this.#baseIndex = index;
  }

  /** Starts over after a snapshot from the leader. */
  restore(index: number, term: number): void {
    assert(index > this.#commit, `snapshot ${index} is behind the commit ${this.#commit}`);
    this.#entries = [];
    this.#baseIndex = this.#commit = this.#applied = this.#persisted = this.#handed = index;
    this.#baseTerm = term;
  }
}
