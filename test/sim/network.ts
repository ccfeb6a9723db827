import type { SeededRandom } from "./seeded-random.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface NetworkQuality {
  /** Of a message never to arrive, or to arrive twice. */
  readonly loss: number;
  readonly duplication: number;
  readonly latencyMsMax: number;
  /** Of a message to be held up so long that others overtake it. */
  readonly detour: number;
  readonly detourMsMax: number;
}

export const GOOD_NETWORK: NetworkQuality = { loss: 0, duplication: 0, latencyMsMax: 5, detour: 0, detourMsMax: 0 };

/** Carries messages between numbered hosts: late, twice, in another order, or not at all. */
export class SimulatedNetwork {
  quality: NetworkQuality = GOOD_NETWORK;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #cut = new Set<string>();

  constructor(time: VirtualTime, random: SeededRandom) {
    this.#time = time;
    this.#random = random;
  }

  /** One direction only; cut both for a partition. */
  cut(from: number, to: number): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
  }

  isOpen(from: number, to: number): boolean {
    return !this.#cut.has(`${from}>${to}`);
  }

  latencyMs(): number {
    const { latencyMsMax, detour, detourMsMax } = this.quality;
    return this.#random.between(0.5, this.#random.chance(detour) ? detourMsMax : latencyMsMax);
  }

  /** Whether a stream breaks now. */
  isUnlucky(): boolean {
    return this.#random.chance(this.quality.loss / 4);
  }

  send(from: number, to: number, deliver: () => void): void {
    const { loss, duplication } = this.quality;
    const copies = this.#random.chance(loss) ? 0 : this.#random.chance(duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#time.after(this.latencyMs(), () => {
        if (this.isOpen(from, to)) deliver();
      });
    }
  }
}
