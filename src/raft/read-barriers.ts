import { OperationError } from "../lib/errors.ts";

/** A request that was not answered within so many ticks is asked anew: it, or its answer, was lost, or is late. Then after twice as many. */
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
  /** Each of its requests came after its reads: an answer to any of them will do. */
  readonly requestIds: number[];
  /** In ticks. */
  age: number;
  retryAge: number;
  /** Known once the leader answered: what must be applied. */
  index: number | undefined;
}

/**
 * Reads waiting for the leader's word and then for the local state to get there. Those that come while a request is under way share the
 * next one: each makes the leader ask every peer, and thousands of reads at once must not make thousands of rounds.
 */
export class ReadBarriers {
  readonly #ask: (requestId: number) => void;
  readonly #timeoutTicks: number;
  #nextRequestId: number;
  #leaderlessTicks = 0;
  /** Not asked for yet. A read may join only these: an older request could be answered with a state from before the read. */
  #waiting = new Set<Barrier>();
  #isStartDue = false;
  /** In the order in which they were asked. */
  readonly #batches = new Set<Batch>();
  readonly #byRequest = new Map<number, Batch>();

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
      const onAbort = () => {
        barrier.reject(signal?.reason);
      };
      const barriers = this.#waiting;
      const barrier: Barrier = {
        resolve: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        reject: reason => {
          barriers.delete(barrier);
          signal?.removeEventListener("abort", onAbort);
          reject(reason);
        },
        ticksLeft: this.#timeoutTicks,
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      barriers.add(barrier);
      this.#startSoon();
    });
  }

  /** With those that come in the same breath. */
  #startSoon(): void {
    if (this.#isStartDue) return;
    this.#isStartDue = true;
    queueMicrotask(() => {
      this.#isStartDue = false;
      this.#startIfFree();
    });
  }

  #startIfFree(): void {
    if (this.#waiting.size === 0) return;
    for (const { index, age } of this.#batches) if (index === undefined && age < RETRY_TICKS) return;
    const batch: Batch = { barriers: this.#waiting, requestIds: [], age: 0, retryAge: RETRY_TICKS, index: undefined };
    this.#waiting = new Set();
    this.#batches.add(batch);
    this.#request(batch);
  }

  #request(batch: Batch): void {
    const requestId = this.#nextRequestId++;
    batch.requestIds.push(requestId);
    this.#byRequest.set(requestId, batch);
    this.#ask(requestId);
  }

  #forget(batch: Batch): void {
    this.#batches.delete(batch);
    for (const requestId of batch.requestIds) this.#byRequest.delete(requestId);
  }

  answered(requestId: number, index: number): void {
    const batch = this.#byRequest.get(requestId);
    if (batch === undefined) return;
    batch.index ??= index;
    this.#startSoon();
  }

  /** The local state holds everything up to `index`. */
  appliedTo(index: number): void {
    for (const batch of this.#batches) {
      if (batch.index === undefined || batch.index > index) continue;
      this.#forget(batch);
      for (const barrier of batch.barriers) barrier.resolve();
    }
  }

  tick({ hasLeader }: { readonly hasLeader: boolean }): void {
    this.#leaderlessTicks = hasLeader ? 0 : this.#leaderlessTicks + 1;
    const isLeaderless = this.#leaderlessTicks >= LEADERLESS_TICKS_MAX;
    this.#age(this.#waiting, isLeaderless);
    for (const batch of [...this.#batches]) {
      batch.age += 1;
      this.#age(batch.barriers, isLeaderless && batch.index === undefined);
      if (batch.barriers.size === 0) this.#forget(batch);
      else if (batch.index === undefined && batch.age >= batch.retryAge) {
        batch.retryAge = batch.age * 2;
        this.#request(batch);
      }
    }
    this.#startIfFree();
  }

  #age(barriers: ReadonlySet<Barrier>, areRefused: boolean): void {
    for (const barrier of [...barriers]) {
      barrier.ticksLeft -= 1;
      if (barrier.ticksLeft <= 0 || areRefused) barrier.reject(new OperationError("unavailable", NO_LEADER));
    }
  }

  stop(reason: OperationError): void {
    for (const barriers of [this.#waiting, ...[...this.#batches].map(batch => batch.barriers)])
      for (const barrier of [...barriers]) barrier.reject(reason);
    this.#batches.clear();
    this.#byRequest.clear();
  }
}
