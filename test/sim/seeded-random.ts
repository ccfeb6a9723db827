import type { Random } from "../../src/ports/random.ts";

/** The simulated twin of `system/random.ts`: the same seed, the same draws (mulberry32). */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds would begin alike.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    this.uint32();
  }

  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.uint32() & 0xff);
  }

  /** Uniform in 0 to below 1. */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** Uniform in `from` to below `to`. */
  between(from: number, to: number): number {
    return from + this.fraction() * (to - from);
  }

  /** Uniform in 0..count-1. */
  below(count: number): number {
    return this.uint32() % count;
  }

  pick<T>(choices: readonly T[]): T | undefined {
    return choices.length === 0 ? undefined : choices[this.below(choices.length)];
  }

  /** A generator of its own, so that draws in one part do not shift those of another. */
  fork(): SeededRandom {
    return new SeededRandom(this.uint32());
  }
}
