import type { SeededRandom } from "../sim/seeded-random.ts";

/** Draws each card once before any comes again, in an order of chance: in a short run none is left out. */
export class Deck<Card> {
  readonly #cards: readonly [Card, ...Card[]];
  readonly #random: SeededRandom;
  #left: Card[] = [];

  constructor(random: SeededRandom, cards: readonly [Card, ...Card[]]) {
    this.#random = random;
    this.#cards = cards;
  }

  draw(): Card {
    if (this.#left.length === 0) this.#left = [...this.#cards];
    const [card = this.#cards[0]] = this.#left.splice(this.#random.below(this.#left.length), 1);
    return card;
  }
}
