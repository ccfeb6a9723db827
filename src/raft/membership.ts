import { assert, defined } from "../lib/assert.ts";
import type { Member } from "./types.ts";

export type MembershipChange =
  | { readonly kind: "add-learner"; readonly raftId: number; readonly address: string }
  | { readonly kind: "promote"; readonly raftId: number }
  | { readonly kind: "move"; readonly raftId: number; readonly address: string }
  | { readonly kind: "remove"; readonly raftId: number };

export function votersOf(members: readonly Member[]): readonly number[] {
  return members.filter(member => !member.isLearner).map(member => member.raftId);
}

/**
 * The members after one change; at most one voter comes or goes, so that the majorities before and after always share a member (Raft 6,
 * thesis 4.1). `undefined`: the change does not fit the members there are.
 */
export function changeMembers(members: readonly Member[], change: MembershipChange): readonly Member[] | undefined {
  const existing = members.find(member => member.raftId === change.raftId);
  switch (change.kind) {
    case "add-learner":
      if (existing !== undefined) return undefined;
      return [...members, { raftId: change.raftId, address: change.address, isLearner: true }];
    case "promote":
      if (existing?.isLearner !== true) return undefined;
      return members.map(member => (member === existing ? { ...member, isLearner: false } : member));
    case "move":
      if (existing === undefined) return undefined;
      return members.map(member => (member === existing ? { ...member, address: change.address } : member));
    case "remove": {
      const rest = members.filter(member => member !== existing);
      return existing === undefined || votersOf(rest).length === 0 ? undefined : rest;
    }
  }
}

interface Epoch {
  readonly index: number;
  readonly members: readonly Member[];
  readonly voters: readonly number[];
}

/** The member lists by the index of the entry that made them. A list holds as soon as its entry is in the log (Raft 6), and goes if that entry goes. */
export class MembershipHistory {
  #epochs: Epoch[];

  constructor(index: number, members: readonly Member[]) {
    this.#epochs = [{ index, members, voters: votersOf(members) }];
  }

  get #current(): Epoch {
    return defined(this.#epochs.at(-1), "current membership");
  }

  get members(): readonly Member[] {
    return this.#current.members;
  }

  get voters(): readonly number[] {
    return this.#current.voters;
  }

  /** The entry that made the current list. */
  get index(): number {
    return this.#current.index;
  }

  isVoter(raftId: number): boolean {
    return this.voters.includes(raftId);
  }

  push(index: number, members: readonly Member[]): void {
    assert(index > this.index, `membership of entry ${index} comes after that of ${this.index}`);
    this.#epochs.push({ index, members, voters: votersOf(members) });
  }

  /** The entries from `index` on are gone. */
  truncateFrom(index: number): void {
    this.#epochs = this.#epochs.filter((epoch, at) => at === 0 || epoch.index < index);
    assert(this.index < index, `the membership of entry ${this.index} may not be undone`);
  }

  /** The list that held at `index`. */
  at(index: number): readonly Member[] {
    return defined(
      this.#epochs.findLast(epoch => epoch.index <= index),
      `membership at entry ${index}`,
    ).members;
  }

  /** Forgets what was superseded at or before `index`. */
  compactTo(index: number): void {
    const from = this.#epochs.findLastIndex(epoch => epoch.index <= index);
    if (from > 0) this.#epochs.splice(0, from);
  }

  restore(index: number, members: readonly Member[]): void {
    this.#epochs = [{ index, members, voters: votersOf(members) }];
  }
}
