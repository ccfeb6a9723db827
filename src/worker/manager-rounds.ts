import type { Random } from "../ports/random.ts";

const DELAY_MIN_MS = 100;
/** A worker that was cut off for 3 s has to be heard again before it counts as down, 5 s after its last word. */
const URGENT_DELAY_MAX_MS = 500;
const URGENT_ROUNDS = 20;
/** A manager whose host says nothing must not keep it from the others meanwhile. */
const URGENT_CONNECT_MS = 2_000;
/** When none answered so fast, something on the way may be slow. */
const CONNECT_MS = 4_000;
/** Later it counts as down, and managers that come back would have thousands of workers at their door every half second. */
const DELAY_MAX_MS = 5_000;

/**
 * Which manager a worker tries next, and after how long. Every known one is tried once before the wait grows: managers that are gone
 * cost a refused connection each, and never keep a worker from the one that is left.
 */
export class ManagerRounds {
  readonly #random: Random;
  #tried = new Set<string>();
  #hasBegun = false;
  #rounds = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @returns no address when none is known. Its host has `connectMs` to answer. */
  next(known: readonly string[]): { readonly address: string | undefined; readonly delayMs: number; readonly connectMs: number } {
    let choices = known.filter(address => !this.#tried.has(address));
    let delayMs = DELAY_MIN_MS;
    if (choices.length === 0) {
      choices = [...known];
      this.#tried.clear();
      delayMs = roundDelayMs(this.#rounds++);
    }
    const address = choices[this.#random.uint32() % Math.max(1, choices.length)];
    if (address !== undefined) this.#tried.add(address);
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    const connectMs = this.#rounds === 0 ? URGENT_CONNECT_MS : CONNECT_MS;
    return { address, delayMs: isFirst ? 0 : this.#spread(delayMs), connectMs };
  }

  /** It took this worker. When it is lost, the others come first. */
  succeeded(address: string): void {
    this.#tried = new Set([address]);
    this.#rounds = 0;
  }

  /** Something changed: what failed before is worth another try at once. */
  restart(): void {
    this.#tried.clear();
    this.#hasBegun = false;
    this.#rounds = 0;
  }

  /** So that the workers of a lost manager do not all come at once. */
  #spread(delayMs: number): number {
    return Math.ceil((delayMs + (this.#random.uint32() % delayMs)) / 2);
  }
}

function roundDelayMs(rounds: number): number {
  const urgentMs = Math.min(URGENT_DELAY_MAX_MS, DELAY_MIN_MS * 2 ** rounds);
  return rounds < URGENT_ROUNDS ? urgentMs : Math.min(DELAY_MAX_MS, urgentMs * 2 ** (rounds - URGENT_ROUNDS + 1));
}
