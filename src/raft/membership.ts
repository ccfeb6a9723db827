import { assert, defined } from "../lib/assert.ts";
import type { Member } from "./types.ts";

/**
 * One step of a change. `add-voter` and `add-learner` give a member that is there already its new part; `remove` and `move` do nothing
 * when there is no such member. Raft id 0 stands for nobody.
 */
export type MembershipChange =
  | { readonly kind: "add-voter"; readonly raftId: number; readonly address: string }
  | { readonly kind: "add-learner"; readonly raftId: number; readonly address: string }
  | { readonly kind: "promote"; readonly raftId: number }
  | { readonly kind: "move"; readonly raftId: number; readonly address: string }
  | { readonly kind: "remove"; readonly raftId: number };

/** Why a change cannot be made. */
export type MembershipRefusal = "no voter is left" | "more than one voter comes or goes" | "only a learner can be promoted";

export function votersOf(members: readonly Member[]): readonly number[] {
  return members.filter(member => !member.isLearner).map(member => member.raftId);
}

/**
 * The members after the changes, made as one; at most one voter comes or goes, so that the majorities before and after always share a
 * member (Raft 6, thesis 4.1).
 */
export function changeMembers(
  members: readonly Member[],
  changes: readonly MembershipChange[],
): readonly Member[] | MembershipRefusal {
  let after = members;
  for (const change of changes) {
    const next = change.raftId === 0 ? after : changed(after, change);
    if (next === undefined) return "only a learner can be promoted";
    after = next;
  }
  const [old, voters] = [votersOf(members), votersOf(after)];
  if (voters.length === 0) return "no voter is left";
  const moved = old.filter(voter => !voters.includes(voter)).length + voters.filter(voter => !old.includes(voter)).length;
  return moved > 1 ? "more than one voter comes or goes" : after;
}

function changed(members: readonly Member[], change: MembershipChange): readonly Member[] | undefined {
  const { raftId } = change;
  const existing = members.find(member => member.raftId === raftId);
  const put = (over: Partial<Member>) => members.map(member => (member === existing ? { ...member, ...over } : member));
  switch (change.kind) {
    case "add-voter":
    case "add-learner": {
      const isLearner = change.kind === "add-learner";
      return existing === undefined ? [...members, { raftId, address: change.address, isLearner }] : put({ isLearner });
    }
    case "promote":
      return existing?.isLearner === true ? put({ isLearner: false }) : undefined;
    case "move":
      return put({ address: change.address });
    case "remove":
      return members.filter(member => member !== existing);
  }
}

interface Epoch {
  readonly index: number;
  readonly members: readonly Member[];
  readonly voters: readonly number[];
}

/**
 * The member lists by the index of the entry that made them. A list holds once its entry is committed and handed out to be applied: what
 * holds is never undone, and no majority is counted with members that may yet turn out not to be.
 */
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
