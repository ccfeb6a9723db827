import { assert } from "../lib/assert.ts";
import { errorMessage } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { StateMachine } from "../ports/consensus.ts";
import type { Log } from "../ports/log.ts";
import type { RaftCore } from "./core.ts";
import { isDiskFull } from "./disk-health.ts";
import type { RaftDriverOptions, SnapshotSettings } from "./driver-options.ts";
import { entryBytes } from "./log.ts";
import type { WrittenSnapshot } from "./snapshot-files.ts";
import type { RaftStorage } from "./storage.ts";
import type { Entry } from "./types.ts";

/** Other work of the process gets its turn after so long. */
const SLICE_MS = 10;
/** Before a snapshot for which there was no room is tried again. */
const SNAPSHOT_RETRY_MS = 10_000;

export interface AppliedStateOptions {
  readonly core: RaftCore;
  readonly storage: RaftStorage;
  readonly stateMachine: StateMachine;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: Pick<RaftDriverOptions, "snapshotEveryBytes" | "keepBytes">;
  /** As they are now. */
  readonly settings: () => SnapshotSettings;
  readonly signal: AbortSignal;
  /** What `apply` returned for the entry; `undefined` for Raft's own entries. */
  readonly onResult: (entry: Entry, result: unknown) => void;
}

/** The state machine and how far it is: applies in log order, restores, and is snapshotted now and then so that the log can be cut. */
export class AppliedState {
  readonly #parts: AppliedStateOptions;
  #index: number;
  #term: number;
  #snapshotIndex: number;
  #bytesSinceSnapshot = 0;
  #isTakingSnapshot = false;
  #noSnapshotBeforeMs = 0;
  /** The last snapshot: when it left something sealed with an older key, a later state has to be tried. */
  #tried = { index: 0, keyId: 0 };
  #sliceStartMs = 0;

  constructor(parts: AppliedStateOptions) {
    this.#parts = parts;
    const { index, term } = parts.storage.initialState.snapshot;
    this.#index = this.#snapshotIndex = index;
    this.#term = term;
  }

  get index(): number {
    return this.#index;
  }

  /** Other work of the process has just had its turn. */
  rested(): void {
    this.#sliceStartMs = this.#parts.clock.monotonicMs();
  }

  async apply(entries: readonly Entry[]): Promise<void> {
    const { stateMachine, clock, signal, onResult } = this.#parts;
    for (const entry of entries) {
      const { index, term, kind, data } = entry;
      assert(index === this.#index + 1, `entry ${index} is applied after ${this.#index}`);
      const result = kind === "data" ? stateMachine.apply({ index, term, data }) : undefined;
      this.#index = index;
      this.#term = term;
      this.#bytesSinceSnapshot += entryBytes(entry);
      onResult(entry, result);
      if (clock.monotonicMs() - this.#sliceStartMs <= SLICE_MS) continue;
      await clock.sleep(0);
      this.rested();
      if (signal.aborted) return;
    }
  }

  /** The leader's snapshot takes the place of the state. */
  async restore(snapshot: WrittenSnapshot): Promise<void> {
    const { stateMachine, storage } = this.#parts;
    const { index, term } = snapshot.meta;
    assert(index > this.#index, `snapshot ${index} is restored after entry ${this.#index}`);
    await stateMachine.restore(storage.readSnapshot(snapshot));
    this.#index = this.#snapshotIndex = index;
    this.#term = term;
    this.#bytesSinceSnapshot = 0;
  }

  get isSnapshotDue(): boolean {
    const { options, settings } = this.#parts;
    const entryCount = this.#index - this.#snapshotIndex;
    // The leader's snapshot may be about to take the place of this state: then the core no longer knows the members of back then.
    const isOvertaken = this.#parts.core.inspected.log.baseIndex > this.#index;
    if (this.#isTakingSnapshot || this.#index === 0 || isOvertaken) return false;
    if (this.#parts.clock.monotonicMs() < this.#noSnapshotBeforeMs) return false;
    if (this.#isRekeyDue) return true;
    if (entryCount === 0) return false;
    return entryCount >= settings().snapshotEveryEntries || this.#bytesSinceSnapshot >= options.snapshotEveryBytes;
  }

  /** Something is sealed with an older key, and a snapshot may make it superfluous: entries that are not applied yet keep their segment. */
  get #isRekeyDue(): boolean {
    const { isRekeyDue, keyId } = this.#parts.storage;
    return isRekeyDue && (this.#index !== this.#tried.index || keyId !== this.#tried.keyId);
  }

  /** Fixes the state as it is now; writing it goes on beside everything else. */
  async takeSnapshot(): Promise<void> {
    const { clock, log } = this.#parts;
    const bytes = this.#bytesSinceSnapshot;
    this.#isTakingSnapshot = true;
    this.#bytesSinceSnapshot = 0;
    try {
      await this.#writeSnapshot();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      // The log goes on without it, as long as there is room for that.
      log.warn({ error: errorMessage(error) }, "there is no room for a raft snapshot");
      this.#bytesSinceSnapshot += bytes;
      this.#noSnapshotBeforeMs = clock.monotonicMs() + SNAPSHOT_RETRY_MS;
    } finally {
      this.#isTakingSnapshot = false;
    }
  }

  async #writeSnapshot(): Promise<void> {
    const { stateMachine, core, storage, log, options, settings, signal } = this.#parts;
    const meta = { index: this.#index, term: this.#term, members: core.membersAt(this.#index) };
    const [entriesMax, bytesMax] = [settings().keepEntries, options.keepBytes];
    const compactTo = core.inspected.log.beginOfLast(meta.index, { entriesMax, bytesMax });
    const written = await storage.writeSnapshot(meta, stateMachine.snapshot());
    if (signal.aborted) return;
    this.#tried = { index: meta.index, keyId: written.keyId };
    if (!(await storage.publishSnapshot(written, { compactTo }))) return;
    core.snapshotTaken(meta, { compactTo });
    this.#snapshotIndex = Math.max(this.#snapshotIndex, meta.index);
    log.info({ index: meta.index }, "raft snapshot taken");
  }
}
