import { setMaxListeners } from "node:events";
import { LinkedSignal } from "../../lib/linked-signal.ts";
import type { NodeId } from "../../model/ids.ts";
import type { Clock } from "../../ports/clock.ts";

/** Questions under way at once: when thousands fall silent, most of them are not asked, and judged by their beats alone. */
const QUESTIONS_MAX = 128;
/** Of one node: a question that was lost before the network was back is followed by one that is not. */
const QUESTIONS_PER_NODE_MAX = 4;
const ANSWER_MS = 1_000;

export interface NodePlace {
  readonly nodeId: NodeId;
  /** An IP address. */
  readonly host: string;
}

/** Whether the node itself answers on a connection of its own; false when it is refused or nothing comes. */
export type Reaches = (node: NodePlace, options: { readonly signal: AbortSignal }) => Promise<boolean>;

/**
 * Asks nodes that have been silent whether they are there. A worker's beats go through one connection, which after a cut may take
 * seconds to find out that the network is back (TCP doubles its wait with each loss); a new connection finds out at once.
 */
export class SecondOpinion {
  readonly #reaches: Reaches;
  readonly #clock: Clock;
  readonly #underWay = new Map<NodeId, number>();
  #questions = 0;

  constructor({ reaches, clock }: { readonly reaches: Reaches; readonly clock: Clock }) {
    this.#reaches = reaches;
    this.#clock = clock;
  }

  /** To be called again every so often while they are silent. */
  ask(
    nodes: Iterable<NodePlace>,
    { onAnswer, signal }: { readonly onAnswer: (id: NodeId) => void; readonly signal: AbortSignal },
  ): void {
    setMaxListeners(0, signal); // It may end as many questions as there are.
    for (const node of nodes) {
      const underWay = this.#underWay.get(node.nodeId) ?? 0;
      if (this.#questions >= QUESTIONS_MAX) return;
      if (underWay >= QUESTIONS_PER_NODE_MAX) continue;
      this.#count(node.nodeId, 1);
      void this.#isThere(node, signal).then(isThere => {
        this.#count(node.nodeId, -1);
        if (isThere && !signal.aborted) onAnswer(node.nodeId);
      });
    }
  }

  #count(id: NodeId, change: 1 | -1): void {
    this.#questions += change;
    const underWay = (this.#underWay.get(id) ?? 0) + change;
    if (underWay === 0) this.#underWay.delete(id);
    else this.#underWay.set(id, underWay);
  }

  async #isThere(node: NodePlace, signal: AbortSignal): Promise<boolean> {
    using linked = new LinkedSignal([signal, this.#clock.timeout(ANSWER_MS)]);
    try {
      return await this.#reaches(node, { signal: linked.signal });
    } catch {
      return false; // What fails is no answer.
    }
  }
}
