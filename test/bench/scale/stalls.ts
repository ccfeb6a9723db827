import { openSync, readSync } from "node:fs";

const PERIOD_MS = 10;

export interface Stall {
  /** Longest time between two turns of the event loop, less the period of the probe and the wait for a processor. */
  readonly worstMs: number;
  /** The same with the wait for a processor, which other programs cause. */
  readonly worstWallMs: number;
}

/**
 * How long this process kept its event loop from turning: a timer that should fire every 10 ms is late by that. What the thread waited
 * in the run queue meanwhile (/proc/thread-self/schedstat) is told apart: that is the machine's doing.
 */
export class StallProbe {
  readonly #schedstat = openSync("/proc/thread-self/schedstat", "r");
  readonly #buffer = Buffer.alloc(128);
  #lastMs = performance.now();
  #lastWaitNs = this.#waitedNs();
  #worstMs = 0;
  #worstWallMs = 0;

  start(): void {
    setInterval(() => this.#look(), PERIOD_MS).unref();
  }

  #look(): void {
    const nowMs = performance.now();
    const waitNs = this.#waitedNs();
    const lateMs = nowMs - this.#lastMs - PERIOD_MS;
    this.#worstWallMs = Math.max(this.#worstWallMs, lateMs);
    this.#worstMs = Math.max(this.#worstMs, lateMs - (waitNs - this.#lastWaitNs) / 1e6);
    this.#lastMs = nowMs;
    this.#lastWaitNs = waitNs;
  }

  get worst(): Stall {
    this.#look();
    return { worstMs: this.#worstMs, worstWallMs: this.#worstWallMs };
  }

  beginAnew(): void {
    this.#look();
    this.#worstMs = this.#worstWallMs = 0;
  }

  #waitedNs(): number {
    const bytes = readSync(this.#schedstat, this.#buffer, 0, this.#buffer.length, 0);
    return Number(this.#buffer.toString("latin1", 0, bytes).split(" ")[1]);
  }
}
