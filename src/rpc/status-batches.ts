import { errorKind } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { StatusReport } from "./backends.ts";

/** Reports that come within this time go in one call: less than the leader waits before it writes them. */
const BATCH_MS = 20;
/** Statuses in one call, but for the last report. */
const STATUSES_MAX = 1_000;

interface Waiting {
  readonly signal?: AbortSignal;
}

export interface StatusCalls {
  one(report: StatusReport, options: Waiting): Promise<void>;
  many(reports: readonly StatusReport[]): Promise<void>;
}

interface Batch {
  readonly reports: StatusReport[];
  readonly sent: Promise<void>;
}

/**
 * What the workers of one manager report, on its way to one leader. When thousands of tasks start, a call for each report would be
 * most of what managers do.
 */
export class StatusBatches {
  readonly #calls: StatusCalls;
  readonly #clock: Clock;
  /** A leader of an older version takes one report a call. */
  takesMany = false;
  #open: Batch | undefined;
  #count = 0;

  constructor(options: { readonly calls: StatusCalls; readonly clock: Clock }) {
    this.#calls = options.calls;
    this.#clock = options.clock;
  }

  async write(report: StatusReport, options: Waiting): Promise<void> {
    if (!this.takesMany) return await this.#calls.one(report, options);
    const batch = (this.#open ??= this.#begin());
    batch.reports.push(report);
    this.#count += report.statuses.length;
    if (this.#count >= STATUSES_MAX) this.#close(batch);
    try {
      await batch.sent;
    } catch (error) {
      // Whose report it was that could not be taken is not said: each is to stand for itself.
      if (errorKind(error) === "unavailable") throw error;
      await this.#calls.one(report, options);
    }
  }

  #begin(): Batch {
    const reports: StatusReport[] = [];
    this.#count = 0;
    const batch: Batch = { reports, sent: this.#clock.sleep(BATCH_MS).then(() => this.#send(batch)) };
    return batch;
  }

  async #send(batch: Batch): Promise<void> {
    this.#close(batch);
    await this.#calls.many(batch.reports);
  }

  /** What comes from now on goes in another call. */
  #close(batch: Batch): void {
    if (this.#open === batch) this.#open = undefined;
  }
}
