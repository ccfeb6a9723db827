/** What is asked of a cluster, and of which node. */
export type Command =
  | { readonly kind: "campaign" | "heartbeat" | "cut" | "heal" | "compact" | "restart"; readonly on: number }
  | { readonly kind: "propose"; readonly on: number; readonly text: string }
  | { readonly kind: "transfer"; readonly on: number; readonly to: number }
  | { readonly kind: "change"; readonly on: number; readonly change: "voter" | "learner" | "remove"; readonly of: number };

/** What both implementations must agree on once everything that can be delivered is. */
export interface NodeState {
  readonly raftId: number;
  readonly role: string;
  readonly term: number;
  /** 0: unknown. */
  readonly leader: number;
  readonly commit: number;
  readonly last: readonly [index: number, term: number];
  readonly voters: readonly number[];
  readonly learners: readonly number[];
  readonly applied: readonly string[];
}

export interface Cluster {
  /** @returns false when it was refused, so that the other cluster is not asked. */
  run(command: Command): boolean;
  states(): readonly NodeState[];
}

/** Nodes 1 to 3 are the first voters; 4 and 5 know nothing until they are added. */
export const NODES = [1, 2, 3, 4, 5];
export const FIRST_VOTERS = [1, 2, 3];
/** They begin with a snapshot, so that a node that is added needs one: the first members are in no entry. */
export const FIRST_INDEX = 1;
/** So long that nobody campaigns on its own: the draws of the two would differ. */
export const ELECTION_TICKS = 1_000;
/** More rounds than that and the nodes talk for ever. */
export const ROUNDS_MAX = 1_000;

/** Which nodes are cut off. A message between two goes through only if neither is. */
export class Cuts {
  readonly #cut = new Set<number>();

  set(raftId: number, isCut: boolean): void {
    if (isCut) this.#cut.add(raftId);
    else this.#cut.delete(raftId);
  }

  isOpen(from: number, to: number): boolean {
    return !this.#cut.has(from) && !this.#cut.has(to);
  }
}
