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

/** By the clock and by the kernel; of the other threads how long each waited for a processor. */
interface Reading {
  readonly atMs: number;
  readonly ranMs: number;
  readonly waitedMs: number;
  readonly othersMs: readonly number[];
}

/**
 * How long this process kept its event loop from turning: a timer that should fire every 10 ms is late by that. What the thread waited
 * for a processor meanwhile is told apart: that is the machine's doing. So is the wait for the collector's helpers while they wait for one:
 * what it neither ran nor waited for a processor is taken off as far as another thread of the process waited for one.
 */
export class StallProbe {
  readonly #time = new ThreadTime();
  readonly #others = ThreadTime.others();
  #timer: NodeJS.Timeout | undefined;
  #last = this.#read();
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
    this.resume();
  }

  /** It wakes an idle process a hundred times a second, which is 1 to 3 % of a core: not while that is what is measured. */
  pause(): void {
    this.#look();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** What happened since it paused is not looked at. */
  resume(): void {
    if (this.#timer !== undefined) return;
    this.#last = this.#read();
    this.#timer = setInterval(() => this.#look(), PERIOD_MS).unref();
  }

  #look(): void {
    if (this.#timer === undefined) return;
    const last = this.#last;
    const now = this.#read();
    this.#last = now;
    const lateMs = now.atMs - last.atMs - PERIOD_MS;
    const ranMs = now.ranMs - last.ranMs;
    const ownMs = lateMs - (now.waitedMs - last.waitedMs);
    const sleptMs = Math.max(0, ownMs - ranMs);
    const helpersMs = Math.max(0, ...now.othersMs.map((waitedMs, at) => waitedMs - (last.othersMs[at] ?? waitedMs)));
    this.#worstWallMs = Math.max(this.#worstWallMs, lateMs);
    const stallMs = ownMs - Math.min(sleptMs, helpersMs);
    if (stallMs > this.#worstMs) {
      this.#worstMs = stallMs;
      this.#worst = { fromMs: last.atMs, toMs: now.atMs };
    }
    this.#worstRanMs = Math.max(this.#worstRanMs, Math.min(lateMs, ranMs));
  }

  #read(): Reading {
    return { atMs: performance.now(), ...this.#time.read(), othersMs: this.#others.map(other => other.waitedMs) };
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
