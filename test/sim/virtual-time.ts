import { OperationError } from "../../src/lib/errors.ts";
import type { Clock } from "../../src/ports/clock.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** All that is to happen, by time and then by order of asking. Time stands still while anything runs. */
export class VirtualTime {
  nowMs = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  after(delayMs: number, run: () => void): void {
    const heap = this.#heap;
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run };
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  get nextAtMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, left)) child += 1;
      const smaller = child === 2 * at + 1 ? left : right;
      if (smaller === undefined || isBefore(last, smaller)) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
    return top;
  }

  /** Runs the next event and everything that follows from it without time passing. @returns false when nothing is left before `untilMs`. */
  async step(untilMs = Infinity): Promise<boolean> {
    if (this.nextAtMs > untilMs) return false;
    const event = this.#pop();
    if (event === undefined) return false;
    this.nowMs = event.atMs;
    event.run();
    await settle();
    return true;
  }

  async runUntil(untilMs: number): Promise<void> {
    await settle(); // What was begun just now has yet to ask for its time.
    while (await this.step(untilMs)) {
      // Until then.
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }
}

/** Every promise that can go on has gone on: immediates come after all of them, and no I/O runs beneath. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/** What the events of one simulated process go through: nothing once it is dead, later while it stands still or works. */
export interface Gate {
  pass(run: () => void): void;
  /** How far its own work has taken it: what it does now, it does so long after the present of all others. */
  readonly aheadMs?: number;
}

const OPEN_GATE: Gate = { pass: run => run() };

/** The simulated twin of `system/clock.ts`. */
export function simulatedClock(time: VirtualTime, gate: Gate = OPEN_GATE): Clock {
  const aheadMs = () => gate.aheadMs ?? 0;
  return {
    nowMs: () => 1_700_000_000_000 + Math.floor(time.nowMs + aheadMs()),
    monotonicMs: () => time.nowMs + aheadMs(),
    sleep: (ms, { signal } = {}) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        const onAbort = () => reject(signal?.reason);
        signal?.addEventListener("abort", onAbort, { once: true });
        time.after(aheadMs() + ms, () =>
          gate.pass(() => {
            signal?.removeEventListener("abort", onAbort);
            resolve();
          }),
        );
      }),
    timeout(ms) {
      const controller = new AbortController();
      const reason = () => new OperationError("unavailable", `timed out after ${ms} ms`);
      time.after(aheadMs() + ms, () => gate.pass(() => controller.abort(reason())));
      return controller.signal;
    },
  };
}
