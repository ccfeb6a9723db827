import { assert } from "../lib/assert.ts";

/** How many of `voterCount` make a majority. */
export function majority(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/** The highest value that a majority of the voters has reached: of match indexes it is what may be committed (Raft 5.3). */
export function quorumValue(voters: readonly number[], valueOf: (raftId: number) => number): number {
  assert(voters.length > 0, "a quorum needs voters");
  const descending = voters.map(valueOf).sort((a, b) => b - a);
  return descending[majority(voters.length) - 1] ?? 0;
}

export type VoteOutcome = "won" | "lost" | "pending";

/** `lost` as soon as a majority can no longer be reached. */
export function voteOutcome(voters: readonly number[], votes: ReadonlyMap<number, boolean>): VoteOutcome {
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted += 1;
    if (vote === false) refused += 1;
  }
  const needed = majority(voters.length);
  if (granted >= needed) return "won";
  return refused > voters.length - needed ? "lost" : "pending";
}
