import { errorMessage } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { RaftCore } from "./core.ts";
import { DiskHealth, isDiskFull } from "./disk-health.ts";

/** Before a write for which the disk had no room is tried again. */
const RETRY_MS = 1_000;

export interface DiskWatchOptions {
  readonly core: RaftCore;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** This manager does not lead any more, and what waits for its disk waits in vain. */
  readonly onStepBack: () => void;
}

/** Writes to the log's disk, and draws the consequences when it is full, slow or stuck: a manager that cannot write leads nobody. */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #health = new DiskHealth();

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  /** Resolves once `work` is done. While the disk is full it waits: nothing is promised meanwhile. */
  async write(work: () => Promise<void>): Promise<void> {
    const { core, clock, log, signal } = this.#options;
    this.#health.begin(clock.monotonicMs());
    try {
      while (!(await this.#finds(work))) {
        await clock.sleep(RETRY_MS, { signal });
        this.#stepBack(); // Again: more may have come to wait.
      }
    } finally {
      this.#health.end();
    }
    if (core.inspected.isWritable) return;
    core.setWritable(true);
    log.info({}, "the raft log is written again");
  }

  /** @returns whether there was room. */
  async #finds(work: () => Promise<void>): Promise<boolean> {
    const { core, log } = this.#options;
    try {
      await work();
      return true;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      if (core.inspected.isWritable) {
        log.error({ error: errorMessage(error) }, "there is no room for the raft log: this manager steps back until there is");
      }
      this.#stepBack();
      return false;
    }
  }

  #stepBack(): void {
    this.#options.core.setWritable(false);
    this.#options.onStepBack();
  }

  /** A leader whose disk does not keep up holds everyone up: what is committed is applied here only when it is durable here too. */
  tick(nowMs: number): void {
    const { core, log } = this.#options;
    const { isWritable, membership, raftId } = core.inspected;
    if (!isWritable || membership.voters.every(voter => voter === raftId)) return;
    switch (this.#health.advice(nowMs)) {
      case "make-way":
        log.warn({}, "the disk of the raft log is stuck: this manager steps back");
        this.#stepBack();
        return;
      case "offer-leadership":
        log.warn({}, "the disk of the raft log is slow");
        if (core.role === "leader") core.transfer();
        return;
      case "nothing":
    }
  }

  /** The process stood still: a write's time may be its own. */
  stalled(nowMs: number): void {
    this.#health.stalled(nowMs);
  }
}
