import { crc32 } from "node:zlib";
import { entryBytes } from "../../../src/codec/entry.ts";
import { levelNeeded } from "../../../src/codec/format-needs.ts";
import type { Entry } from "../../../src/model/entry.ts";
import type { RequestId } from "../../../src/model/ids.ts";
import type { ApplyResult } from "../../../src/manager/store/change.ts";
import type { StateSnapshot } from "../../../src/manager/store/state-snapshot.ts";
import { Store } from "../../../src/manager/store/store.ts";
import type { VirtualTime } from "../virtual-time.ts";

type RaftEntry = Parameters<Store["apply"]>[0];

export interface Applied {
  readonly index: number;
  readonly entry: Entry;
  readonly result: ApplyResult;
  readonly before: StateSnapshot;
  readonly after: StateSnapshot;
  readonly atMs: number;
}

/** What all managers together applied: the first to apply an entry says what it is, the others must agree. It keeps a state of its own. */
export class Ledger {
  readonly #time: VirtualTime;
  readonly #entries = new Map<number, { readonly checksum: number; readonly answer: string }>();
  readonly #carriedOut = new Map<RequestId, number>();
  readonly #store = new Store();
  readonly watchers: ((applied: Applied) => void)[] = [];
  lastIndex = 0;
  failure: Error | undefined;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  get view(): StateSnapshot {
    return this.#store.view();
  }

  /** Whether the request was carried out. */
  has(id: RequestId): boolean {
    return this.#carriedOut.has(id);
  }

  applied(host: string, entry: RaftEntry, result: ApplyResult): void {
    try {
      const known = this.#entries.get(entry.index) ?? this.#record(entry);
      const checksum = crc32(entry.data, entry.term);
      if (known.checksum !== checksum) throw new Error(`state machine safety: ${host} applied another entry ${entry.index}`);
      const answer = JSON.stringify(result);
      if (known.answer !== answer)
        throw new Error(`determinism: at ${entry.index} ${host} came to ${answer}, others to ${known.answer}`);
    } catch (error) {
      this.failure ??= error as Error;
    }
  }

  #record(entry: RaftEntry) {
    if (entry.index <= this.lastIndex) throw new Error(`entry ${entry.index} was applied after ${this.lastIndex} and not before`);
    this.lastIndex = entry.index;
    const before = this.#store.view();
    const result = this.#store.apply(entry);
    const recorded = { checksum: crc32(entry.data, entry.term), answer: JSON.stringify(result) };
    this.#entries.set(entry.index, recorded);
    const decoded = entryBytes.decode(entry.data);
    const { index } = entry;
    this.#checkOnce(decoded, { index, before });
    if (result.kind === "applied" && result.index === index) {
      const applied = { index, entry: decoded, result, before, after: this.#store.view(), atMs: this.#time.nowMs };
      for (const watch of this.watchers) watch(applied);
    }
    return recorded;
  }

  /** A request's changes are made once, whatever its entries: nothing but the index may move at its second. */
  #checkOnce({ request, changes }: Entry, { index, before }: { readonly index: number; readonly before: StateSnapshot }): void {
    if (request === undefined) return;
    const isChanged = changes.some(({ table, ...change }) => {
      const id = change.kind === "put" ? change.object.id : change.id;
      return before.get(table, id as never) !== this.#store.view().get(table, id as never);
    });
    if (!isChanged) return;
    const first = this.#carriedOut.get(request.id);
    if (first !== undefined) throw new Error(`request ${request.id} was carried out twice, at ${first} and at ${index}`);
    this.#carriedOut.set(request.id, index);
  }
}

/** A manager's store, held to what the others applied. */
export class LedgerStore extends Store {
  readonly #host: string;
  readonly #ledger: Ledger;
  readonly #reads: number;
  readonly #work: () => void;

  /** @param work - What it takes its process to apply an entry. */
  constructor(host: string, ledger: Ledger, { formatLevel, work }: { readonly formatLevel: number; readonly work: () => void }) {
    super({ formatLevel });
    this.#reads = formatLevel;
    this.#work = work;
    this.#host = host;
    this.#ledger = ledger;
  }

  override apply(entry: RaftEntry): ApplyResult {
    this.#work();
    const result = super.apply(entry);
    this.#ledger.applied(this.#host, entry, result);
    if (result.kind === "applied") this.#checkReads(entry);
    return result;
  }

  /** An older program would have lost a part of it. */
  #checkReads({ index, data }: RaftEntry): void {
    const needed = levelNeeded(entryBytes.decode(data));
    if (needed > this.#reads)
      this.#ledger.failure ??= new Error(
        `older manager: entry ${index} needs format ${needed}, and the program of ${this.#host} reads ${this.#reads}`,
      );
  }
}
