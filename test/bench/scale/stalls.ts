import { PerformanceObserver } from "node:perf_hooks";
import { ThreadTime } from "./thread-time.ts";

const PERIOD_MS = 10;
/** Shorter pauses of the collector are no stall's cause. */
const COLLECTION_MIN_MS = 2;

export interface Stall {
  /** Longest time between two turns of the event loop, less the period of the probe and the wait for a processor, its own or that of a thread that it waited for. */
  readonly worstMs: number;
  /** The same with the wait for a processor, which other programs cause. */
  readonly worstWallMs: number;
  /** The longest that its thread itself was running instead. */
  readonly worstRanMs: number;
  /** How much of `worstMs`'s time the collector of garbage took, by the clock. */
  readonly collectorMs: number;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * How long this process kept its event loop from turning: a timer that should fire every 10 ms is late by that. What the thread waited
 * for a processor meanwhile is told apart: that is the machine's doing. So is the wait for the collector's helpers while they wait for one:
 * what it neither ran nor waited for a processor is taken off as far as another thread of the process waited for one.
 */
export class StallProbe {
  readonly #time = new ThreadTime();
  readonly #others = ThreadTime.others();
  #lastMs = performance.now();
  #lastWaitMs = this.#time.waitedMs;
  #lastOtherWaitsMs = this.#others.map(({ waitedMs }) => waitedMs);
  #lastRanMs = this.#time.ranMs;
  #worstMs = 0;
  #worstWallMs = 0;
  #worstRanMs = 0;
  #worst: Span = { fromMs: 0, toMs: 0 };
  /** They are told of a turn late. */
  #collections: Span[] = [];

  start(): void {
    new PerformanceObserver(list => {
      for (const { startTime: fromMs, duration } of list.getEntries())
        if (duration >= COLLECTION_MIN_MS) this.#collections.push({ fromMs, toMs: fromMs + duration });
    }).observe({ entryTypes: ["gc"] });
    setInterval(() => this.#look(), PERIOD_MS).unref();
  }

  #look(): void {
    const nowMs = performance.now();
    const { waitedMs, ranMs } = this.#time;
    const otherWaitsMs = this.#others.map(other => other.waitedMs);
    const lateMs = nowMs - this.#lastMs - PERIOD_MS;
    const ownMs = lateMs - (waitedMs - this.#lastWaitMs);
    const sleptMs = Math.max(0, ownMs - (ranMs - this.#lastRanMs));
    const helpersMs = Math.max(0, ...otherWaitsMs.map((otherMs, at) => otherMs - (this.#lastOtherWaitsMs[at] ?? otherMs)));
    this.#worstWallMs = Math.max(this.#worstWallMs, lateMs);
    const stallMs = ownMs - Math.min(sleptMs, helpersMs);
    if (stallMs > this.#worstMs) {
      this.#worstMs = stallMs;
      this.#worst = { fromMs: this.#lastMs, toMs: nowMs };
    }
    this.#worstRanMs = Math.max(this.#worstRanMs, Math.min(lateMs, ranMs - this.#lastRanMs));
    this.#lastMs = nowMs;
    this.#lastWaitMs = waitedMs;
    this.#lastOtherWaitsMs = otherWaitsMs;
    this.#lastRanMs = ranMs;
  }

  get worst(): Stall {
    this.#look();
    const collectorMs = this.#collections.reduce((sum, span) => sum + overlapMs(span, this.#worst), 0);
    return { worstMs: this.#worstMs, worstWallMs: this.#worstWallMs, worstRanMs: this.#worstRanMs, collectorMs };
  }

  beginAnew(): void {
    this.#look();
    this.#worstMs = this.#worstWallMs = this.#worstRanMs = 0;
    this.#worst = { fromMs: 0, toMs: 0 };
    this.#collections = [];
  }
}

function overlapMs(one: Span, other: Span): number {
  return Math.max(0, Math.min(one.toMs, other.toMs) - Math.max(one.fromMs, other.fromMs));
}
