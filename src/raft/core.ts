import { assert, assertNever } from "../lib/assert.ts";
import { campaign, countOwnVote, onVoteRequest, onVoteResponse } from "./election.ts";
import { encodeMembers } from "./encoding.ts";
import { RaftLog } from "./log.ts";
import { changeMembers, type MembershipChange, MembershipHistory } from "./membership.ts";
import { majority } from "./quorum.ts";
import { hasCommittedInTerm, onReadRequest, onReadResponse, requestRead } from "./read-index.ts";
import {
  advanceCommit,
  onAppendRequest,
  onAppendResponse,
  onHeartbeat,
  onHeartbeatResponse,
  onInstallSnapshot,
  sendAppends,
  sendHeartbeats,
  snapshotSent,
} from "./replication.ts";
import { type RaftLimits, RaftState, type RaftTimes } from "./state.ts";
import { bestSuccessor, startTransfer } from "./transfer.ts";
import type { Entry, HardState, Member, Message, RaftRole, ReadState, Ready, SnapshotMeta } from "./types.ts";

export interface RaftCoreOptions {
  readonly raftId: number;
  /** What was durable when the process before this one ended. */
  readonly hardState: HardState;
  /** Index 0 with the first members for a new cluster; without members for a manager that waits to be contacted. */
  readonly snapshot: SnapshotMeta;
  /** The log from `baseIndex + 1` on; it may begin before the snapshot's end. */
  readonly baseIndex: number;
  readonly baseTerm: number;
  readonly entries: readonly Entry[];
  readonly times: RaftTimes;
  readonly limits: RaftLimits;
  /** Uniform in 0..2^32-1: the only chance there is. */
  readonly randomUint32: () => number;
}

/** Why a proposal was not taken. */
export type Refusal = "not-leader" | "transferring" | "change-pending" | "invalid-change";
export type ProposeResult =
  | { readonly kind: "accepted"; readonly index: number; readonly term: number }
  | { readonly kind: Refusal };

/**
 * One manager's consensus, without any effect. Inputs change the state and queue outputs; the driver takes them (`takeMessages`,
 * `takeReady`) and carries them out in order. Deterministic: the same inputs and draws give the same outputs.
 *
 * @see Ongaro, Ousterhout: In Search of an Understandable Consensus Algorithm; Ongaro: Consensus: Bridging Theory and Practice.
 */
export class RaftCore {
  readonly #state: RaftState;
  #writtenHardState: HardState;

  constructor(options: RaftCoreOptions) {
    const { hardState, snapshot, entries, baseIndex, baseTerm } = options;
    const commit = Math.max(hardState.commit, snapshot.index);
    const log = new RaftLog({ baseIndex, baseTerm, entries, commit, applied: snapshot.index });
    const membership = new MembershipHistory(snapshot.index, snapshot.members);
    this.#writtenHardState = hardState;
    this.#state = new RaftState({ ...options, ...hardState, log, membership });
    for (const { index, kind, data } of entries) {
      if (kind === "membership" && index > snapshot.index) this.#state.adoptMembers(index, data);
    }
    this.#assertValid();
  }

  get raftId(): number {
    return this.#state.raftId;
  }
  get role(): RaftRole {
    return this.#state.role;
  }
  get term(): number {
    return this.#state.term;
  }
  /** 0: unknown. */
  get leaderId(): number {
    return this.#state.leaderId;
  }
  get commitIndex(): number {
    return this.#state.log.commit;
  }
  get lastIndex(): number {
    return this.#state.log.lastIndex;
  }
  get members(): readonly Member[] {
    return this.#state.membership.members;
  }
  get transferTo(): number {
    return this.#state.transferTo;
  }
  /** Whether the newest member list is committed. */
  get isMembershipCommitted(): boolean {
    return this.#state.membership.index <= this.commitIndex;
  }

  /** For invariant checks and tests: the state itself, not to be changed. */
  get inspected(): Readonly<RaftState> {
    return this.#state;
  }

  /** The member list that held at `index`. */
  membersAt(index: number): readonly Member[] {
    return this.#state.membership.at(index);
  }

  /** Whether this snapshot is to be restored by the next Ready. */
  isRestoring(snapshot: SnapshotMeta): boolean {
    return this.#state.pendingRestore === snapshot;
  }

  tick(): void {
    const state = this.#state;
    state.electionElapsed += 1;
    if (state.role === "leader") this.#tickLeader();
    else if (state.electionElapsed >= state.electionTimeoutTicks) {
      state.restartElectionTimer();
      state.leaderId = 0;
      campaign(state, { isTransfer: false });
    }
    this.#assertValid();
  }

  /** At the start: the only voter has nobody to wait for. */
  campaignIfAlone(): void {
    const [only, second] = this.#state.membership.voters;
    if (only === this.raftId && second === undefined) campaign(this.#state, { isTransfer: false });
    this.#assertValid();
  }

  #tickLeader(): void {
    const state = this.#state;
    state.heartbeatElapsed += 1;
    if (state.electionElapsed >= state.times.electionTicks) {
      state.electionElapsed = 0;
      state.transferTo = 0;
      if (!this.#checkQuorum()) {
        state.becomeFollower(state.term, 0);
        return;
      }
    }
    if (state.heartbeatElapsed >= state.times.heartbeatTicks) sendHeartbeats(state);
  }

  /** A leader that cannot hear a majority cannot commit: it makes way (thesis 6.2). */
  #checkQuorum(): boolean {
    const { raftId, membership, progress } = this.#state;
    const heard = membership.voters.filter(voter => voter === raftId || progress.get(voter)?.isActive === true);
    for (const [id, each] of progress) each.isActive = id === raftId;
    return heard.length >= majority(membership.voters.length);
  }

  /** The process stood still, so the silence it noticed may be its own: wait a whole timeout before campaigning. */
  stalled(): void {
    this.#state.restartElectionTimer();
  }

  step(message: Message): void {
    assert(message.to === this.raftId, `message for ${message.to} came to ${this.raftId}`);
    if (this.#acceptTerm(message)) this.#dispatch(message);
    this.#assertValid();
  }

  /** Compares terms (Raft 5.1). @returns whether the message is to be handled. */
  #acceptTerm(message: Message): boolean {
    const state = this.#state;
    if (message.term === state.term) return true;
    if (message.term < state.term) {
      this.#answerStale(message);
      return false;
    }
    switch (message.kind) {
      case "pre-vote-request":
      case "vote-request":
        if (!message.isTransfer && state.hasFreshLeader) return false;
        if (message.kind === "vote-request") state.becomeFollower(message.term, 0);
        return true;
      case "pre-vote-response":
        if (!message.isGranted) state.becomeFollower(message.term, 0);
        return true;
      case "append-request":
      case "heartbeat":
      case "install-snapshot":
        state.becomeFollower(message.term, message.from);
        return true;
      default:
        state.becomeFollower(message.term, 0);
        return true;
    }
  }

  /** Tells a leader or a candidate of an older term that the term is over; without it, one that was cut off could never rejoin. */
  #answerStale({ kind, from: to }: Message): void {
    const state = this.#state;
    const head = { from: state.raftId, to, term: state.term };
    if (kind === "append-request" || kind === "heartbeat") {
      state.promises.push({ kind: "append-response", ...head, index: 0, isRejected: false, hintIndex: 0, hintTerm: 0 });
    } else if (kind === "pre-vote-request") {
      state.promises.push({ kind: "pre-vote-response", ...head, isGranted: false });
    }
  }

  #dispatch(message: Message): void {
    const state = this.#state;
    switch (message.kind) {
      case "pre-vote-request":
      case "vote-request":
        return onVoteRequest(state, message);
      case "pre-vote-response":
      case "vote-response":
        return onVoteResponse(state, message);
      case "append-request":
        this.#followSender(message.from);
        return onAppendRequest(state, message);
      case "heartbeat":
        this.#followSender(message.from);
        return onHeartbeat(state, message);
      case "install-snapshot":
        this.#followSender(message.from);
        return onInstallSnapshot(state, message);
      case "append-response":
        return onAppendResponse(state, message);
      case "heartbeat-response":
        return onHeartbeatResponse(state, message);
      case "timeout-now":
        return campaign(state, { isTransfer: true });
      case "read-request":
        return onReadRequest(state, message);
      case "read-response":
        return onReadResponse(state, message);
      default:
        assertNever(message);
    }
  }

  /** Whoever sends as leader in this term is the leader: there is one (Raft 5.2). */
  #followSender(from: number): void {
    const state = this.#state;
    assert(state.role !== "leader", `${from} and ${state.raftId} both lead term ${state.term}`);
    assert(state.leaderId === 0 || state.leaderId === from, `${from} and ${state.leaderId} both lead term ${state.term}`);
    if (state.role !== "follower") state.becomeFollower(state.term, from);
    state.leaderId = from;
    state.electionElapsed = 0;
  }

  propose(data: Uint8Array): ProposeResult {
    const refusal = this.#refusal();
    if (refusal !== undefined) return { kind: refusal };
    const index = this.#state.appendOwn("data", data);
    return { kind: "accepted", index, term: this.term };
  }

  /**
   * One change at a time: the one before must be committed, and so must an entry of this leader's term, or two changes made by two
   * leaders could leave two majorities without a common member.
   */
  proposeMembership(change: MembershipChange): ProposeResult {
    const refusal = this.#refusal();
    if (refusal !== undefined) return { kind: refusal };
    if (!this.isMembershipCommitted || !hasCommittedInTerm(this.#state)) return { kind: "change-pending" };
    const members = changeMembers(this.members, change);
    if (members === undefined) return { kind: "invalid-change" };
    const index = this.#state.appendOwn("membership", encodeMembers(members));
    return { kind: "accepted", index, term: this.term };
  }

  #refusal(): Refusal | undefined {
    if (this.role !== "leader") return "not-leader";
    return this.transferTo === 0 ? undefined : "transferring";
  }

  /** The answer comes by `takeReadStates`, or never: ask again after a while. @returns false when nobody can be asked. */
  readIndex(requestId: number): boolean {
    return requestRead(this.#state, requestId);
  }

  /** To the voter given, or to the most advanced one. @returns false when there is nobody to take over. */
  transfer(to?: number): boolean {
    const successor = to ?? bestSuccessor(this.#state);
    return successor !== undefined && startTransfer(this.#state, successor);
  }

  /** How many entries a member lacks; `undefined` for one that this manager does not lead. */
  lagOf(raftId: number): number | undefined {
    const progress = this.#state.progress.get(raftId);
    return progress === undefined ? undefined : this.lastIndex - progress.match;
  }

  snapshotSent(to: number, result: { readonly isOk: boolean }): void {
    snapshotSent(this.#state, to, result);
  }

  /** A snapshot of what is applied is durable: the log up to `compactTo` is no longer needed. */
  snapshotTaken(snapshot: SnapshotMeta, { compactTo }: { readonly compactTo: number }): void {
    const state = this.#state;
    if (snapshot.index <= state.snapshot.index) return;
    assert(compactTo <= snapshot.index, "the log is not compacted past the snapshot");
    state.snapshot = snapshot;
    state.log.compactTo(compactTo);
    state.membership.compactTo(compactTo);
  }

  /** Messages that may leave at once, even while a write runs: they promise nothing durable. */
  takeMessages(): readonly Message[] {
    const state = this.#state;
    if (state.role === "leader") {
      sendAppends(state);
      if (state.reads.isRoundUnsent) sendHeartbeats(state);
    }
    const { messages } = state;
    if (messages.length > 0) state.messages = [];
    return messages;
  }

  takeReadStates(): readonly ReadState[] {
    const { readStates } = this.#state;
    if (readStates.length > 0) this.#state.readStates = [];
    return readStates;
  }

  /** Members that need the newest snapshot; the driver reports by `snapshotSent`. */
  takeSnapshotSends(): readonly { readonly to: number; readonly index: number }[] {
    const { snapshotSends } = this.#state;
    if (snapshotSends.length > 0) this.#state.snapshotSends = [];
    return snapshotSends;
  }

  /** @param committedMax - at most so many committed entries at once. `undefined`: there is nothing to do. */
  takeReady({ committedMax }: { readonly committedMax: number }): Ready | undefined {
    const state = this.#state;
    const { log, promises, pendingRestore } = state;
    const isHardStateDue = this.#isHardStateDue();
    if (promises.length === 0 && !pendingRestore && !isHardStateDue && !log.hasUnpersisted && !log.hasApplicable)
      return undefined;
    const isWriteDue = isHardStateDue || log.hasUnpersisted || pendingRestore !== undefined;
    const ready = {
      // The commit index rides along with whatever is written; alone it is not worth a write.
      hardState: isWriteDue ? this.#hardState() : undefined,
      entries: log.takeUnpersisted(),
      snapshot: pendingRestore,
      messages: promises,
      committed: pendingRestore === undefined ? log.takeApplicable(committedMax) : [],
    };
    state.promises = [];
    state.pendingRestore = undefined;
    return ready;
  }

  #hardState(): HardState {
    const { term, vote, log } = this.#state;
    return { term, vote, commit: log.commit };
  }

  #isHardStateDue(): boolean {
    const { term, vote } = this.#writtenHardState;
    return term !== this.#state.term || vote !== this.#state.vote;
  }

  /** What this Ready asked to be written is durable. */
  persisted({ hardState, entries }: Ready): void {
    const state = this.#state;
    const last = entries.at(-1);
    if (last !== undefined) state.log.persistedTo(last.index, last.term);
    if (hardState !== undefined) {
      this.#writtenHardState = hardState;
      if (hardState.vote === this.raftId) countOwnVote(state, hardState.term);
    }
    if (state.role === "leader") advanceCommit(state);
    this.#assertValid();
  }

  #assertValid(): void {
    const { role, leaderId, raftId, membership, log, progress } = this.#state;
    assert((role === "leader") === (leaderId === raftId), "a leader knows that it leads");
    assert(role === "leader" || progress.size === 0, "only a leader follows the members' progress");
    assert(membership.index <= log.lastIndex, "the membership comes from the log");
    for (const { match, next } of progress.values()) assert(match < next, `match ${match} is not below next ${next}`);
  }
}
