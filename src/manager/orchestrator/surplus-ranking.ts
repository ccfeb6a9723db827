import type { NodeId } from "../../model/ids.ts";
import { isServing, isWanted } from "./instance.ts";
import type { Instance, InstanceKey } from "./instance.ts";

export interface RankingOptions {
  /** The first addresses are to be those in use: the last slots go, whatever runs in them and where. */
  readonly isBySlot: boolean;
}

/**
 * Which slots go when a service is scaled down: those that do not run first, then those on the nodes with most of them. Made once, a
 * slice in each turn, and used until there are no more than wanted; what it says of a slot may be out of date.
 * @see SwarmKit manager/orchestrator/replicated/slot.go
 */
export class SurplusRanking {
  readonly #isBySlot: boolean;
  readonly #unread: Iterator<Instance>;
  readonly #onNode = new Map<NodeId, number>();
  /** Slots that are the first, second, third of those on their nodes. */
  readonly #ranks: number[][] = [];
  readonly #idle: Instance[] = [];
  readonly #unplaced: number[] = [];
  #order: number[] | undefined;

  constructor(instances: Iterable<Instance>, { isBySlot }: RankingOptions) {
    this.#unread = instances[Symbol.iterator]();
    this.#isBySlot = isBySlot;
  }

  /**
   * Those that are to go first are last; who is gone may be taken out. `undefined`: after `max` more instances there are others still.
   * @param planned - What this turn makes of some of them.
   */
  order(max: number, planned: ReadonlyMap<InstanceKey, Instance>): number[] | undefined {
    for (let count = 0; this.#order === undefined; count++) {
      if (count >= max) return undefined;
      const { done, value } = this.#unread.next();
      if (done === true) this.#order = this.#inOrder();
      else this.#read(planned.get(value.slot) ?? value);
    }
    return this.#order;
  }

  #read(instance: Instance): void {
    if (!instance.tasks.some(isWanted)) return;
    if (this.#isBySlot) this.#unplaced.push(instance.slot);
    else if (instance.tasks.some(isServing)) this.#rank(instance);
    else this.#idle.push(instance);
  }

  #rank({ slot, tasks }: Instance): void {
    const [only, ...others] = tasks.filter(isWanted);
    if (only?.nodeId === undefined || others.length > 0) {
      this.#unplaced.push(slot);
      return;
    }
    const nth = this.#onNode.get(only.nodeId) ?? 0;
    this.#onNode.set(only.nodeId, nth + 1);
    (this.#ranks[nth] ??= []).push(slot);
  }

  #inOrder(): number[] {
    if (this.#isBySlot) return this.#unplaced.sort((a, b) => a - b);
    for (const instance of this.#idle) this.#rank(instance);
    return [...this.#ranks.flat(), ...this.#unplaced];
  }
}
