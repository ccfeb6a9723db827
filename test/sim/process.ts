import type { Clock } from "../../src/ports/clock.ts";
import { type Gate, simulatedClock, type VirtualTime } from "./virtual-time.ts";

/** One run of a program on a simulated host, from its start until it dies. All that reaches it goes through its gate. */
export class SimulatedProcess implements Gate {
  readonly clock: Clock;
  readonly onDeath = new Set<() => void>();
  isDead = false;
  /** What the wall clock is off by, in ms. */
  wallSkewMs = 0;
  readonly #time: VirtualTime;
  #held: (() => void)[] | undefined;
  #busyUntilMs = 0;

  constructor(time: VirtualTime) {
    const clock = simulatedClock(time, this);
    this.clock = { ...clock, nowMs: () => clock.nowMs() + this.wallSkewMs };
    this.#time = time;
  }

  pass(run: () => void): void {
    if (this.isDead) return;
    if (this.#held !== undefined) this.#held.push(run);
    else if (this.aheadMs > 0) this.#time.after(this.aheadMs, () => this.pass(run));
    else run();
  }

  get aheadMs(): number {
    return Math.max(0, this.#busyUntilMs - this.#time.nowMs);
  }

  /** Its one thread has so much to do before anything else of it goes on. Its clocks go on meanwhile. */
  work(ms: number): void {
    this.#busyUntilMs = this.#time.nowMs + this.aheadMs + ms;
  }

  /** What comes from another process comes through the gate too. */
  hear<T>(result: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      result.then(
        value => this.pass(() => resolve(value)),
        (error: unknown) => this.pass(() => reject(error)),
      );
    });
  }

  get isPaused(): boolean {
    return this.#held !== undefined;
  }

  pause(): void {
    this.#held ??= [];
  }

  /** What came meanwhile comes now, in order. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const run of held) this.#time.after(0, () => this.pass(run));
  }

  die(): void {
    this.isDead = true;
    this.#held = undefined;
    for (const notice of this.onDeath) notice();
  }
}
