import { OperationError } from "../lib/errors.ts";

/** A request that was not answered within so many ticks is asked anew: it, or its answer, was lost. */
const RETRY_TICKS = 5;
/** With nobody known to lead for so long, an election has failed or this manager is cut off: reads are refused instead of kept waiting. */
const LEADERLESS_TICKS_MAX = 5;
/** Docker's words when more than half of the managers are away. */
const NO_LEADER =
  "The swarm does not have a leader. It's possible that too few managers are online. Make sure more than half of the managers are online.";

interface Barrier {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  ticksLeft: number;
}

interface Batch {
  readonly barriers: Set<Barrier>;
  age: number;
  /** Known once the leader answered: what must be applied. */
  index: number | undefined;
}

/** Reads waiting for the leader's word and then for the local state to get there. Reads that come together share one request. */
export class ReadBarriers {
  readonly #ask: (requestId: number) => void;
  readonly #timeoutTicks: number;
  #nextRequestId: number;
  #leaderlessTicks = 0;
  #collecting: Set<Barrier> | undefined;
  readonly #batches = new Map<number, Batch>();

  /** @param firstRequestId - not used by an earlier process of this manager, so that no old answer fits. */
  constructor(options: {
    readonly ask: (requestId: number) => void;
    readonly firstRequestId: number;
    readonly timeoutTicks: number;
  }) {
    this.#ask = options.ask;
    this.#nextRequestId = options.firstRequestId;
    this.#timeoutTicks = options.timeoutTicks;
  }

  async wait({ signal }: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const barriers = this.#collect();
      const onAbort = () => {
        barrier.reject(signal?.reason);
      };
      const barrier: Barrier = {
        resolve: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        reject: reason => {
          for (const set of [barriers, ...this.#sets()]) set.delete(barrier);
          signal?.removeEventListener("abort", onAbort);
          reject(reason);
        },
        ticksLeft: this.#timeoutTicks,
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      barriers.add(barrier);
    });
  }

  #sets(): readonly Set<Barrier>[] {
    return [...this.#batches.values()].map(batch => batch.barriers);
  }

  /** A read may join only a request that is not sent yet: an older one could be answered with a state from before the read. */
  #collect(): Set<Barrier> {
    if (this.#collecting !== undefined) return this.#collecting;
    const barriers = new Set<Barrier>();
    this.#collecting = barriers;
    queueMicrotask(() => {
      this.#collecting = undefined;
      this.#send(barriers);
    });
    return barriers;
  }

  #send(barriers: Set<Barrier>): void {
    if (barriers.size === 0) return;
    const requestId = this.#nextRequestId++;
    this.#batches.set(requestId, { barriers, age: 0, index: undefined });
    this.#ask(requestId);
  }

  answered(requestId: number, index: number): void {
    const batch = this.#batches.get(requestId);
    if (batch !== undefined) batch.index = index;
  }

  /** The local state holds everything up to `index`. */
  appliedTo(index: number): void {
    if (this.#batches.size === 0) return;
    for (const [requestId, batch] of this.#batches) {
      if (batch.index === undefined || batch.index > index) continue;
      this.#batches.delete(requestId);
      for (const barrier of batch.barriers) barrier.resolve();
    }
  }

  tick({ hasLeader }: { readonly hasLeader: boolean }): void {
    this.#leaderlessTicks = hasLeader ? 0 : this.#leaderlessTicks + 1;
    const isLeaderless = this.#leaderlessTicks >= LEADERLESS_TICKS_MAX;
    for (const [requestId, batch] of [...this.#batches]) {
      batch.age += 1;
      for (const barrier of [...batch.barriers]) {
        barrier.ticksLeft -= 1;
        if (barrier.ticksLeft <= 0 || (isLeaderless && batch.index === undefined))
          barrier.reject(new OperationError("unavailable", NO_LEADER));
      }
      if (batch.barriers.size === 0) this.#batches.delete(requestId);
      else if (batch.index === undefined && batch.age >= RETRY_TICKS) {
        this.#batches.delete(requestId);
        this.#send(batch.barriers);
      }
    }
  }

  stop(reason: OperationError): void {
    for (const barrier of [...(this.#collecting ?? []), ...this.#sets().flatMap(set => [...set])]) barrier.reject(reason);
    this.#batches.clear();
  }
}
