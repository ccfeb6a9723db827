import type { Clock } from "../../ports/clock.ts";
import type { EngineEvent } from "../../model/container.ts";
import type { Filters } from "../../model/control.ts";
import { OperationError } from "../../lib/errors.ts";
import { compileEventFilters } from "./event-filters.ts";

/** As many past events as Docker keeps. */
export const EVENTS_KEPT_MAX = 256;
/** Events that a subscriber may fall behind before it is dropped. */
export const SUBSCRIBER_QUEUE_MAX = 4096;

interface Subscriber {
  readonly queue: EngineEvent[];
  wake: () => void;
  isOverrun: boolean;
}

/** What happened on this host: the last events, and whoever follows. Kept in memory, as Docker's. */
export class EventLog {
  readonly #clock: Clock;
  readonly #recent: EngineEvent[] = [];
  readonly #subscribers = new Set<Subscriber>();
  #lastTimeNs = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many follow. */
  get listeners(): number {
    return this.#subscribers.size;
  }

  /** Stamps the event; no two have the same time. */
  publish(event: Omit<EngineEvent, "timeNs">): void {
    const now = BigInt(Math.round(this.#clock.nowMs() * 1e3)) * 1000n;
    this.#lastTimeNs = now > this.#lastTimeNs ? now : this.#lastTimeNs + 1n;
    const stamped: EngineEvent = { ...event, timeNs: this.#lastTimeNs };
    this.#recent.push(stamped);
    if (this.#recent.length > EVENTS_KEPT_MAX) this.#recent.shift();
    for (const subscriber of this.#subscribers) {
      if (subscriber.queue.length >= SUBSCRIBER_QUEUE_MAX) subscriber.isOverrun = true;
      else subscriber.queue.push(stamped);
      subscriber.wake();
    }
  }

  /**
   * Past events since `sinceNs` (none without it), then new ones until `untilNs` or `signal`. Subscribed when it returns, not when it is first read.
   * @throws OperationError `invalid` for an unknown filter; `unavailable` when the reader fell too far behind.
   */
  follow(options: {
    readonly sinceNs?: bigint;
    readonly untilNs?: bigint;
    readonly filters: Filters;
    readonly signal: AbortSignal;
  }): AsyncIterable<EngineEvent> {
    const { sinceNs, untilNs, signal } = options;
    const matches = compileEventFilters(options.filters);
    const isWanted = (event: EngineEvent) =>
      matches(event) && (untilNs === undefined || event.timeNs <= untilNs) && (sinceNs === undefined || event.timeNs >= sinceNs);
    const past = sinceNs === undefined ? [] : this.#recent.filter(isWanted);
    const remainingMs = untilNs === undefined ? Infinity : Number(untilNs / 1_000_000n) - this.#clock.nowMs();
    if (remainingMs <= 0) return fromArray(untilNs !== undefined && sinceNs === undefined ? this.#recent.filter(isWanted) : past);
    const subscriber: Subscriber = { queue: past, wake: () => {}, isOverrun: false };
    this.#subscribers.add(subscriber);
    const end = Number.isFinite(remainingMs) ? AbortSignal.any([signal, this.#clock.timeout(remainingMs)]) : signal;
    const onAbort = () => {
      this.#subscribers.delete(subscriber);
      subscriber.wake();
    };
    if (end.aborted) onAbort();
    else end.addEventListener("abort", onAbort, { once: true });
    return this.#drain(subscriber, isWanted, end);
  }

  async *#drain(
    subscriber: Subscriber,
    isWanted: (event: EngineEvent) => boolean,
    end: AbortSignal,
  ): AsyncGenerator<EngineEvent> {
    try {
      for (;;) {
        const event = subscriber.queue.shift();
        if (event !== undefined) {
          if (isWanted(event)) yield event;
        } else if (end.aborted) return;
        else if (subscriber.isOverrun) throw new OperationError("unavailable", "events were lost: the reader is too slow");
        else await new Promise<void>(resolve => (subscriber.wake = resolve));
      }
    } finally {
      this.#subscribers.delete(subscriber);
    }
  }
}

async function* fromArray(events: readonly EngineEvent[]): AsyncGenerator<EngineEvent> {
  yield* events;
}
