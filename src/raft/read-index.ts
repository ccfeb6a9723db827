import { quorumValue } from "./quorum.ts";
import type { RaftState } from "./state.ts";
import type { ReadRequest, ReadResponse } from "./types.ts";

interface PendingRead {
  /** Who asked: this manager or a follower. */
  readonly from: number;
  readonly requestId: number;
  /** The commit index when the read came in: what the reader must have applied. */
  readonly index: number;
  readonly round: number;
}

/** The leader's reads that wait until a majority confirms that it still leads (thesis 6.4; no leases). */
export class ReadQueue {
  /** Asked before this leader committed in its term: it cannot know the commit index yet. */
  early: { readonly from: number; readonly requestId: number }[] = [];
  pending: PendingRead[] = [];
  /** The newest round. Heartbeats carry it, answers repeat it. */
  round = 0;
  /** Reads were added since the last heartbeat. */
  isRoundUnsent = false;

  get count(): number {
    return this.early.length + this.pending.length;
  }

  clear(): void {
    this.early = [];
    this.pending = [];
    this.round = 0;
    this.isRoundUnsent = false;
  }
}

/** Beyond this many waiting reads a leader forgets new ones; whoever asked asks again or gives up. */
export const PENDING_READS_MAX = 10_000;

/** @returns false when no leader is known, so that nobody can answer. */
export function requestRead(state: RaftState, requestId: number): boolean {
  if (state.role === "leader") return acceptRead(state, { from: state.raftId, requestId });
  if (state.leaderId === 0) return false;
  const { raftId, leaderId, term } = state;
  state.messages.push({ kind: "read-request", from: raftId, to: leaderId, term, requestId });
  return true;
}

export function onReadRequest(state: RaftState, { from, requestId }: ReadRequest): void {
  if (state.role === "leader") acceptRead(state, { from, requestId });
}

export function onReadResponse(state: RaftState, { requestId, index }: ReadResponse): void {
  state.readStates.push({ requestId, index });
}

function acceptRead(state: RaftState, { from, requestId }: { readonly from: number; readonly requestId: number }): boolean {
  const { reads, log } = state;
  if (reads.count >= PENDING_READS_MAX) return false;
  if (!hasCommittedInTerm(state)) {
    reads.early.push({ from, requestId });
    return true;
  }
  if (!reads.isRoundUnsent) {
    reads.round += 1;
    reads.isRoundUnsent = true;
  }
  reads.pending.push({ from, requestId, index: log.commit, round: reads.round });
  answerConfirmedReads(state);
  return true;
}

/** Only then does a leader know what is committed (Raft 8). */
export function hasCommittedInTerm({ log, term }: RaftState): boolean {
  return log.matches(log.commit, term);
}

/** To be called whenever the commit index moved. */
export function acceptEarlyReads(state: RaftState): void {
  if (state.reads.early.length === 0 || !hasCommittedInTerm(state)) return;
  const early = state.reads.early;
  state.reads.early = [];
  for (const read of early) acceptRead(state, read);
}

/** Answers the reads whose round a majority has confirmed. */
export function answerConfirmedReads(state: RaftState): void {
  const { reads, raftId, term } = state;
  const confirmed = quorumValue(state.membership.voters, voter =>
    voter === raftId ? reads.round : (state.progress.get(voter)?.readRound ?? 0),
  );
  let count = 0;
  for (const { from, requestId, index, round } of reads.pending) {
    if (round > confirmed) break;
    count += 1;
    if (from === raftId) state.readStates.push({ requestId, index });
    else state.messages.push({ kind: "read-response", from: raftId, to: from, term, requestId, index });
  }
  if (count > 0) reads.pending.splice(0, count);
}
