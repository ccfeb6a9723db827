import { setMaxListeners } from "node:events";
import { LinkedSignal } from "../../lib/linked-signal.ts";
import type { NodeId } from "../../model/ids.ts";
import type { Clock } from "../../ports/clock.ts";

/** Questions under way at once: when thousands fall silent, most of them are not asked, and judged by their beats alone. */
const QUESTIONS_MAX = 32;
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
    const asked: NodePlace[] = [];
    for (const node of nodes) {
      if (this.#questions >= QUESTIONS_MAX) break;
      if ((this.#underWay.get(node.nodeId) ?? 0) >= QUESTIONS_PER_NODE_MAX) continue;
      this.#count(node.nodeId, 1);
      asked.push(node);
    }
    if (asked.length > 0) void this.#ask(asked, { onAnswer, signal });
  }

  /** Together they take one timer, and listen to the caller's signal once. */
  async #ask(
    nodes: readonly NodePlace[],
    { onAnswer, signal }: { readonly onAnswer: (id: NodeId) => void; readonly signal: AbortSignal },
  ): Promise<void> {
    using linked = new LinkedSignal([signal, this.#clock.timeout(ANSWER_MS)]);
    setMaxListeners(0, linked.signal); // Every question listens to it.
    const settled = nodes.map(async node => {
      const isThere = await this.#isThere(node, linked.signal);
      this.#count(node.nodeId, -1);
      if (isThere && !signal.aborted) onAnswer(node.nodeId);
    });
    await Promise.all(settled);
  }

  #count(id: NodeId, change: 1 | -1): void {
    this.#questions += change;
    const underWay = (this.#underWay.get(id) ?? 0) + change;
    if (underWay === 0) this.#underWay.delete(id);
    else this.#underWay.set(id, underWay);
  }

  async #isThere(node: NodePlace, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#reaches(node, { signal });
    } catch {
      return false; // What fails is no answer.
    }
  }
}
