import { OperationError } from "../lib/errors.ts";

/** Proposals waiting or under way; beyond it new ones are refused. */
export const PENDING_PROPOSALS_MAX = 4096;
export const PENDING_PROPOSAL_BYTES_MAX = 64 * 1024 * 1024;
/** One entry must fit a message, and a message the transport's limit of 4 MiB. */
export const PROPOSAL_BYTES_MAX = 3 * 1024 * 1024;

interface Proposal {
  readonly data: Uint8Array;
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

interface Placed extends Omit<Proposal, "data"> {
  readonly term: number;
}

export type Placement = { readonly kind: "accepted"; readonly index: number; readonly term: number } | { readonly kind: string };

/** Callers that wait for their entry to be applied: first in a queue, then by the index their entry got. */
export class Proposals {
  #queue: Proposal[] = [];
  #queueHead = 0;
  readonly #placed = new Map<number, Placed>();
  #count = 0;
  #bytes = 0;

  /** Settles with the result of `apply`, or rejects when that cannot be known any more. */
  async add(data: Uint8Array, { signal }: { readonly signal?: AbortSignal | undefined }): Promise<unknown> {
    signal?.throwIfAborted();
    if (data.length > PROPOSAL_BYTES_MAX) {
      throw new OperationError("invalid", `a change of ${data.length} bytes is over the limit of ${PROPOSAL_BYTES_MAX}`);
    }
    if (this.#count >= PENDING_PROPOSALS_MAX || this.#bytes + data.length > PENDING_PROPOSAL_BYTES_MAX) {
      throw new OperationError("unavailable", "too many changes are waiting for the managers");
    }
    return await this.#track(data.length, signal, waiter => this.#queue.push({ data, ...waiter }));
  }

  /** Waits for an entry that is in the log already. */
  async at(
    { index, term }: { readonly index: number; readonly term: number },
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    return await this.#track(0, signal, waiter => this.#placed.set(index, { term, ...waiter }));
  }

  /** An aborted caller goes at once; its entry still counts against the limits until it is settled. */
  #track(bytes: number, signal: AbortSignal | undefined, place: (waiter: Omit<Proposal, "data">) => void): Promise<unknown> {
    this.#count += 1;
    this.#bytes += bytes;
    return new Promise<unknown>((resolve, reject) => {
      const onAbort = () => reject(signal?.reason);
      const finish = () => {
        this.#count -= 1;
        this.#bytes -= bytes;
        signal?.removeEventListener("abort", onAbort);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      place({
        resolve: result => {
          finish();
          resolve(result);
        },
        reject: reason => {
          finish();
          reject(reason);
        },
      });
    });
  }

  get isQueueEmpty(): boolean {
    return this.#queueHead === this.#queue.length;
  }

  /** Hands queued proposals to the log until `bytesMax` are placed; the rest wait for the next turn. */
  feed(place: (data: Uint8Array) => Placement, bytesMax: number): void {
    let bytes = 0;
    while (!this.isQueueEmpty && bytes < bytesMax) {
      const proposal = this.#queue[this.#queueHead++];
      if (proposal === undefined) break;
      const placement = place(proposal.data);
      if ("index" in placement) this.#placed.set(placement.index, { term: placement.term, ...proposal });
      else proposal.reject(refused(placement.kind));
      bytes += proposal.data.length;
    }
    if (!this.isQueueEmpty) return;
    this.#queue = [];
    this.#queueHead = 0;
  }

  applied(index: number, term: number, result: unknown): void {
    const placed = this.#placed.get(index);
    if (placed === undefined) return;
    this.#placed.delete(index);
    if (placed.term === term) placed.resolve(result);
    else placed.reject(lostLeadership());
  }

  /** Another manager decides now on everything after `commit`; what is committed will be applied here too. */
  leadershipLost(commit: number): void {
    for (const [index, placed] of this.#placed) {
      if (index <= commit) continue;
      this.#placed.delete(index);
      placed.reject(lostLeadership());
    }
  }

  /** A snapshot took the place of these entries: their results are not known here. */
  skippedTo(index: number): void {
    for (const [at, placed] of this.#placed) {
      if (at > index) continue;
      this.#placed.delete(at);
      placed.reject(lostLeadership());
    }
  }

  stop(reason: OperationError): void {
    const waiting = [...this.#queue.slice(this.#queueHead), ...this.#placed.values()];
    this.#queue = [];
    this.#queueHead = 0;
    this.#placed.clear();
    for (const { reject } of waiting) reject(reason);
  }
}

export function lostLeadership(): OperationError {
  return new OperationError("unavailable", "this manager lost leadership; the change may or may not have been kept");
}

export function refused(kind: string): OperationError {
  switch (kind) {
    case "not-member":
      return new OperationError("unavailable", "this manager was removed");
    case "transferring":
      return new OperationError("unavailable", "leadership is being transferred");
    case "change-pending":
      return new OperationError("unavailable", "another change of the managers is under way");
    case "invalid-change":
      return new OperationError("conflict", "the change does not fit the managers there are");
    default:
      return new OperationError("unavailable", "this manager is not the leader");
  }
}
