import { assert } from "../lib/assert.ts";
import { voteOutcome } from "./quorum.ts";
import type { RaftState } from "./state.ts";
import type { VoteRequest, VoteResponse } from "./types.ts";

/** Asks for votes if this manager may and knows with whom to count. A transfer skips the pre-vote: the leader wants it. */
export function campaign(state: RaftState, { isTransfer }: { readonly isTransfer: boolean }): void {
  if (state.role === "leader" || !state.isPromotable || !state.isWritable || state.isMembershipWaiting) return;
  state.restartElectionTimer();
  if (isTransfer || !state.rules.hasPreVote) startVote(state, { isTransfer });
  else startPreVote(state);
}

/** Would a majority vote for us? Only then is the term raised, so that a manager cut off from the others does not disturb them later. */
function startPreVote(state: RaftState): void {
  state.becomePreCandidate();
  askForVotes(state, "pre-vote-request", { term: state.term + 1, isTransfer: false });
  recordVote(state, state.raftId, true);
}

function startVote(state: RaftState, { isTransfer }: { readonly isTransfer: boolean }): void {
  state.becomeCandidate();
  askForVotes(state, "vote-request", { term: state.term, isTransfer });
  // Its own vote counts once it is durable: see `countOwnVote`.
}

function askForVotes(
  state: RaftState,
  kind: VoteRequest["kind"],
  { term, isTransfer }: { readonly term: number; readonly isTransfer: boolean },
): void {
  const { raftId, log } = state;
  for (const voter of state.membership.voters) {
    if (voter === raftId) continue;
    const { lastIndex, lastTerm } = log;
    state.promises.push({ kind, from: raftId, to: voter, term, lastIndex, lastTerm, isTransfer });
  }
}

/** The vote for itself was written in `term`. */
export function countOwnVote(state: RaftState, term: number): void {
  if (state.role === "candidate" && state.term === term && !state.votes.has(state.raftId)) recordVote(state, state.raftId, true);
}

function recordVote(state: RaftState, voter: number, isGranted: boolean): void {
  if (!state.votes.has(voter)) state.votes.set(voter, isGranted); // The first answer counts.
  switch (voteOutcome(state.membership.voters, state.votes)) {
    case "won":
      if (state.role === "pre-candidate") startVote(state, { isTransfer: false });
      else state.becomeLeader();
      return;
    case "lost":
      state.becomeFollower(state.term, 0);
      return;
    case "pending":
  }
}

/** `message.term` is at least ours; for a vote request it is ours. */
export function onVoteRequest(state: RaftState, message: VoteRequest): void {
  const { raftId, log } = state;
  const isPreVote = message.kind === "pre-vote-request";
  const mayVote =
    state.vote === message.from || (state.vote === 0 && state.leaderId === 0) || (isPreVote && message.term > state.term);
  const isGranted = mayVote && log.isUpToDate(message.lastIndex, message.lastTerm);
  // A granted pre-vote is for the term asked; a refusal tells our own.
  const term = isGranted ? message.term : state.term;
  const kind = isPreVote ? "pre-vote-response" : "vote-response";
  state.promises.push({ kind, from: raftId, to: message.from, term, isGranted });
  if (!isGranted || isPreVote) return;
  assert(message.term === state.term, "a vote is for the current term");
  state.electionElapsed = 0;
  state.vote = message.from;
}

export function onVoteResponse(state: RaftState, { kind, from, isGranted }: VoteResponse): void {
  const awaited = kind === "pre-vote-response" ? "pre-candidate" : "candidate";
  if (state.role === awaited) recordVote(state, from, isGranted);
}
