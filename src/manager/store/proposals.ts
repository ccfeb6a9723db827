import { entryBytes } from "../../codec/entry.ts";
import { levelNeeded } from "../../codec/format-needs.ts";
import { OperationError } from "../../lib/errors.ts";
import type { Entry } from "../../model/entry.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Consensus } from "../../ports/consensus.ts";
import type { ApplyResult } from "./change.ts";

/** The largest entry that is proposed. */
export const ENTRY_BYTES_MAX = 2 * 1024 * 1024;

/** Entries on their way through Raft. */
export class Proposals {
  readonly #consensus: Consensus;
  readonly #clock: Clock;
  readonly #level: () => number;

  /** @param options.level - The format that is in force. */
  constructor({
    consensus,
    clock,
    level,
  }: { readonly consensus: Consensus; readonly clock: Clock; readonly level: () => number }) {
    this.#consensus = consensus;
    this.#clock = clock;
    this.#level = level;
  }

  /**
   * Resolves once the entry is durable on a majority and applied here, with what `apply` said.
   * @throws OperationError `unavailable` when this manager does not lead (then it may or may not be kept), `invalid` when it is too large, or
   * says what not all managers can read; an entry that raises the format names the new one as its level.
   */
  async propose(entry: Omit<Entry, "atMs">, { signal }: { readonly signal?: AbortSignal } = {}): Promise<ApplyResult> {
    const level = this.#level();
    if (levelNeeded(entry) > (entry.level ?? level))
      throw new OperationError(
        "invalid",
        `some manager's program is too old to read this (format ${level}): upgrade all of them first`,
      );
    // Written at the one in force even when it raises that: when it is refused, it must have stopped no older manager.
    const data = entryBytes.encode({ ...entry, level, atMs: this.#clock.nowMs() });
    if (data.length > ENTRY_BYTES_MAX) {
      throw new OperationError("invalid", `an entry of ${data.length} bytes is over the limit of ${ENTRY_BYTES_MAX}`);
    }
    // What `propose` resolves with is what the store's `apply` returned.
    return (await this.#consensus.propose(data, signal === undefined ? {} : { signal })) as ApplyResult;
  }
}
