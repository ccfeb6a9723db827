/** How many of `voterCount` make a majority. */
export function majority(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/** The highest value that a majority of the voters has reached: of match indexes it is what may be committed (Raft 5.3). Nobody holds nothing back. */
export function quorumValue(voters: readonly number[], valueOf: (raftId: number) => number): number {
  if (voters.length === 0) return Infinity;
  const descending = voters.map(valueOf).sort((a, b) => b - a);
  return descending[majority(voters.length) - 1] ?? 0;
}

export type VoteOutcome = "won" | "lost" | "pending";

/** `lost` as soon as a majority can no longer be reached; where nobody votes there is nobody to refuse. */
export function voteOutcome(voters: readonly number[], votes: ReadonlyMap<number, boolean>): VoteOutcome {
  if (voters.length === 0) return "won";
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
