import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import type { RaftState } from "../../../src/raft/state.ts";
import type { Entry } from "../../../src/raft/types.ts";

interface Seen {
  /** Of each entry, by index: what was checked already. */
  readonly terms: number[];
  commit: number;
  applied: number;
}

interface Commit {
  readonly entryTerm: number;
  /** The term in which it was first seen as committed. */
  readonly inTerm: number;
}

/** The Raft paper's figure 3, checked over all managers after every step. Each look costs only what changed since the one before. */
export class Invariants {
  readonly #leaderOf = new Map<number, number>();
  /** What an entry of some index and term is, with the term before it: by induction this is log matching. */
  readonly #entries = new Map<string, string>();
  readonly #commits: (Commit | undefined)[] = [];
  readonly #membersAt = new Map<number, string>();

  #seenBy = new WeakMap<object, Seen>();

  get commitIndex(): number {
    return Math.max(0, this.#commits.length - 1);
  }

  check(state: Readonly<RaftState>): void {
    let seen = this.#seenBy.get(state);
    if (seen === undefined) {
      seen = { terms: [], commit: 0, applied: 0 };
      this.#seenBy.set(state, seen);
    }
    this.#checkLog(state, seen);
    this.#checkCommits(state, seen);
    if (state.role === "leader") this.#checkLeader(state);
  }

  #checkLog({ log, raftId }: Readonly<RaftState>, { terms }: Seen): void {
    if (terms.length > log.lastIndex + 1) terms.length = log.lastIndex + 1;
    for (let index = log.lastIndex; index > log.baseIndex; index--) {
      const term = log.termAt(index);
      if (term === terms[index] || term === undefined) break;
      terms[index] = term;
      const [entry] = log.read(index, 0).entries;
      assert.ok(entry !== undefined);
      const content = describe(entry, log.termAt(index - 1));
      const key = `${index} ${term}`;
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, content);
      else assert.equal(content, known, `log matching: manager ${raftId} has another entry ${index} of term ${term}`);
    }
  }

  #checkCommits({ log, raftId, membership, term: inTerm }: Readonly<RaftState>, seen: Seen): void {
    assert.ok(log.commit >= seen.commit, `manager ${raftId}'s commit index went back from ${seen.commit} to ${log.commit}`);
    for (let index = Math.max(seen.commit, log.baseIndex) + 1; index <= log.commit; index++) {
      const entryTerm = log.termAt(index) ?? 0;
      const known = this.#commits[index];
      if (known === undefined) this.#commits[index] = { entryTerm, inTerm };
      else assert.equal(entryTerm, known.entryTerm, `manager ${raftId} committed another entry ${index}`);
    }
    seen.commit = log.commit;
    if (log.applied === seen.applied) return;
    seen.applied = log.applied;
    if (membership.at(log.applied).length === 0) return; // One that joins has not come to its first member list.
    const members = JSON.stringify(membership.at(log.applied));
    const known = this.#membersAt.get(log.applied);
    if (known === undefined) this.#membersAt.set(log.applied, members);
    else assert.equal(members, known, `manager ${raftId} knows other members at entry ${log.applied}`);
  }

  #checkLeader({ log, raftId, term }: Readonly<RaftState>): void {
    const leader = this.#leaderOf.get(term);
    if (leader === raftId) return;
    assert.equal(leader, undefined, `election safety: ${leader} and ${raftId} both lead term ${term}`);
    this.#leaderOf.set(term, raftId);
    const index = this.#commits.findLastIndex(commit => commit !== undefined && commit.inTerm < term);
    if (index <= log.baseIndex) return;
    const message = `leader completeness: ${raftId} leads term ${term} without the committed entry ${index}`;
    assert.equal(log.termAt(index), this.#commits[index]?.entryTerm, message);
  }
}

function describe({ kind, data }: Entry, termBefore: number | undefined): string {
  return `${kind} ${crc32(data)} after ${termBefore}`;
}
