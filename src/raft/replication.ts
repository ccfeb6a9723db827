import { assert } from "../lib/assert.ts";
import type { Progress } from "./progress.ts";
import { quorumValue } from "./quorum.ts";
import { acceptEarlyReads, answerConfirmedReads } from "./read-index.ts";
import type { RaftState } from "./state.ts";
import { finishTransfer } from "./transfer.ts";
import type { AppendRequest, AppendResponse, Entry, Heartbeat, HeartbeatResponse, InstallSnapshot } from "./types.ts";

/**
 * Sends every member what it lacks, in as many messages as its window takes.
 * @param options.tellsCommits - Also to those that lack nothing but how far it is committed.
 */
export function sendAppends(state: RaftState, { tellsCommits = true }: { readonly tellsCommits?: boolean } = {}): void {
  const { log } = state;
  const isBehind = (progress: Progress): boolean =>
    progress.next <= log.lastIndex || (tellsCommits && progress.isCommitNews(log.commit));
  for (const [to, progress] of state.progress) {
    if (to === state.raftId) continue;
    while (isBehind(progress) && sendAppend(state, to)) {
      // Until the member has all or its window is full.
    }
  }
}

/** Some member does not know how far the log is committed, and may be told now. */
export function hasCommitNews({ progress, raftId, log }: RaftState): boolean {
  for (const [to, each] of progress) if (to !== raftId && !each.isPaused && each.isCommitNews(log.commit)) return true;
  return false;
}

/** @returns whether a message went out. */
function sendAppend(state: RaftState, to: number): boolean {
  if (state.progressOf(to).isPaused) return false;
  return sendNext(state, to, state.limits.messageBytesMax);
}

/** @param bytesMax - 0 for no entries: the answer tells where the member's log is all the same. */
function sendNext(state: RaftState, to: number, bytesMax: number): boolean {
  const progress = state.progressOf(to);
  const { log, term, raftId } = state;
  const prevIndex = progress.next - 1;
  const prevTerm = log.termAt(prevIndex);
  if (prevTerm === undefined) return sendSnapshot(state, to);
  const { entries, bytes } = bytesMax === 0 ? { entries: [], bytes: 0 } : log.read(progress.next, bytesMax);
  state.messages.push({ kind: "append-request", from: raftId, to, term, prevIndex, prevTerm, commit: log.commit, entries });
  progress.sent(entries.length, bytes);
  progress.sentCommit = log.commit;
  return true;
}

/** What the member needs is compacted away. */
function sendSnapshot(state: RaftState, to: number): boolean {
  const progress = state.progressOf(to);
  if (!progress.isActive) return false; // Nobody is there to take it.
  const { index } = state.snapshot;
  assert(index >= state.log.baseIndex, `snapshot ${index} does not reach the log, which begins after ${state.log.baseIndex}`);
  progress.becomeSnapshot(index);
  state.snapshotSends.push({ to, index });
  return false;
}

export function sendHeartbeats(state: RaftState): void {
  const { log, term, raftId, reads } = state;
  state.heartbeatElapsed = 0;
  reads.isRoundUnsent = false;
  for (const [to, { match }] of state.progress) {
    if (to === raftId) continue;
    // Never a commit index past what the member is known to hold.
    const commit = Math.min(match, log.commit);
    state.messages.push({ kind: "heartbeat", from: raftId, to, term, commit, readRound: reads.round });
  }
}

/** Commits what a majority holds, if it is of this term (Raft 5.4.2), and tells whether that was news. */
export function advanceCommit(state: RaftState): boolean {
  const { log, raftId, membership } = state;
  state.progress.get(raftId)?.accepted(log.persisted); // Itself it counts as far as its own disk is.
  const index = quorumValue(membership.voters, voter => state.progress.get(voter)?.match ?? 0);
  if (!log.matches(index, state.term) || !log.commitTo(index)) return false;
  acceptEarlyReads(state);
  return true;
}

/** Committed entries are about to be applied: the members they name count from now on. */
export function adoptMembers(state: RaftState, committed: readonly Entry[]): void {
  // Those that leave hear by this that their removal is committed: nobody will tell them later.
  if (state.role === "leader" && committed.some(({ kind }) => kind === "membership")) sendAppends(state);
  if (!state.adoptMembers(committed) || state.role !== "leader") return;
  const { membership, raftId, rules, transferTo } = state;
  state.syncProgress();
  if (!membership.isVoter(raftId) && rules.leavesWhenRemoved) {
    state.becomeFollower(state.term, 0); // A leader that removed itself leads until that is committed (Raft 6).
    return;
  }
  if (transferTo !== 0 && !membership.isVoter(transferTo)) state.transferTo = 0;
  if (membership.voters.length > 0) advanceCommit(state); // A smaller majority may hold more already.
}

export function onAppendRequest(state: RaftState, message: AppendRequest): void {
  const { log } = state;
  const { prevIndex, prevTerm, entries } = message;
  if (prevIndex < log.commit) {
    acceptUpTo(state, message.from, log.commit); // Old news: everything committed matches.
    return;
  }
  if (!log.matches(prevIndex, prevTerm)) {
    const hint = log.lastWithTermAtMost(prevIndex, prevTerm);
    state.promises.push({
      kind: "append-response",
      from: state.raftId,
      to: message.from,
      term: state.term,
      index: prevIndex,
      isRejected: true,
      hintIndex: hint.index,
      hintTerm: hint.term,
    });
    return;
  }
  const fresh = log.newAmong(entries);
  const first = fresh[0];
  if (first !== undefined) {
    if (first.index <= log.lastIndex) log.truncateFrom(first.index);
    log.append(fresh);
  }
  const matched = prevIndex + entries.length;
  log.commitTo(Math.min(message.commit, matched));
  acceptUpTo(state, message.from, matched);
}

function acceptUpTo(state: RaftState, to: number, index: number): void {
  const { raftId, term } = state;
  state.promises.push({
    kind: "append-response",
    from: raftId,
    to,
    term,
    index,
    isRejected: false,
    hintIndex: 0,
    hintTerm: 0,
  });
}

export function onAppendResponse(state: RaftState, message: AppendResponse): void {
  const { log } = state;
  const progress = state.progress.get(message.from);
  if (state.role !== "leader" || progress === undefined) return;
  progress.isActive = true;
  if (message.isRejected) {
    // Skips, in one round trip, all of a term that cannot match (Raft 5.3, the last paragraphs; both sides do it).
    const { index } = log.lastWithTermAtMost(message.hintIndex, message.hintTerm);
    progress.refused(message.index, index);
    return;
  }
  assert(message.index <= log.lastIndex, `member ${message.from} accepted entry ${message.index}, which was never sent`);
  const isNews = progress.accepted(message.index);
  const isProbeMet = progress.state === "probe" && progress.match === message.index;
  if (isProbeMet || (progress.state === "snapshot" && progress.match >= log.baseIndex)) progress.becomeReplicate();
  if (isNews) advanceCommit(state);
  if (state.role === "leader") finishTransfer(state, message.from);
}

export function onHeartbeat(state: RaftState, { from, commit, readRound }: Heartbeat): void {
  const { log, raftId, term } = state;
  log.commitTo(commit);
  state.messages.push({ kind: "heartbeat-response", from: raftId, to: from, term, readRound });
}

export function onHeartbeatResponse(state: RaftState, { from, readRound }: HeartbeatResponse): void {
  const progress = state.progress.get(from);
  if (state.role !== "leader" || progress === undefined) return;
  progress.isActive = true;
  progress.resumeProbe();
  // The answer may have overtaken one of a newer round.
  progress.readRound = Math.max(progress.readRound, readRound);
  answerConfirmedReads(state);
  askForGap(state, from);
}

/** Whatever was sent may be lost, and the answer to this tells. A member that is probed is so until it says that it has all. */
export function askForGap(state: RaftState, to: number): void {
  const progress = state.progressOf(to);
  if (progress.state === "snapshot" || (progress.state === "replicate" && progress.match >= state.log.lastIndex)) return;
  sendNext(state, to, progress.isPaused ? 0 : state.limits.messageBytesMax);
}

/** All of a snapshot's bytes have come. */
export function onInstallSnapshot(state: RaftState, { from, meta }: InstallSnapshot): void {
  const { log } = state;
  if (meta.index <= log.commit) {
    acceptUpTo(state, from, log.commit);
    return;
  }
  if (log.matches(meta.index, meta.term)) {
    log.commitTo(meta.index); // The log holds all of it: the state machine gets there by applying.
    acceptUpTo(state, from, meta.index);
    return;
  }
  log.restore(meta.index, meta.term);
  state.membership.restore(meta.index, meta.members);
  state.snapshot = meta;
  state.pendingRestore = meta;
  acceptUpTo(state, from, meta.index);
}

/** The driver's word on a snapshot it was told to send. */
export function snapshotSent(state: RaftState, to: number, { isOk }: { readonly isOk: boolean }): void {
  const progress = state.progress.get(to);
  if (state.role !== "leader" || progress?.state !== "snapshot") return;
  if (isOk) progress.becomeProbe();
  else progress.abandonSnapshot();
}
