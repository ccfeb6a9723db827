import { assert } from "../lib/assert.ts";
import { campaign, countOwnVote } from "./election.ts";
import { encodeMembers } from "./encoding.ts";
import { RaftLog } from "./log.ts";
import { changeMembers, type MembershipChange, MembershipHistory } from "./membership.ts";
import { majority } from "./quorum.ts";
import { requestRead } from "./read-index.ts";
import { receive } from "./receive.ts";
import {
  adoptMembers,
  advanceCommit,
  askForGap,
  hasCommitNews,
  sendAppends,
  sendHeartbeats,
  snapshotSent,
} from "./replication.ts";
import { type RaftLimits, type RaftRules, RaftState, type RaftTimes } from "./state.ts";
import { bestSuccessor, startTransfer } from "./transfer.ts";
import type { Entry, HardState, Member, Message, RaftRole, ReadState, Ready, SnapshotMeta } from "./types.ts";

/** Enough for a leader that lives to connect again, and for a vote to be granted before the next voter asks. */
const DISCONNECTED_TICKS = 2;

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
  /** All that a manager wants, unless said otherwise. */
  readonly rules?: RaftRules;
  /** Uniform in 0..2^32-1: the only chance there is. */
  readonly randomUint32: () => number;
}

/** Why a proposal was not taken. */
export type Refusal = "not-leader" | "not-member" | "transferring" | "change-pending" | "invalid-change";
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
    this.#state.adoptMembers(entries.filter(({ index }) => index > snapshot.index && index <= commit));
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
  /** Leaders only: a change of the members is under way, or one of an earlier leader's may be. */
  get isMembershipPending(): boolean {
    return this.#state.pendingMembership > this.#state.log.applied;
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

  /** Asks for votes now instead of when the leader is missed. */
  campaign(): void {
    campaign(this.#state, { isTransfer: false });
    this.#assertValid();
  }

  /** A follower gives its leader up, which others know to be gone: it votes for another at once. The term and the timer stay. */
  forgetLeader(): void {
    if (this.role === "follower") this.#state.leaderId = 0;
    this.#assertValid();
  }

  /**
   * The connection of this member broke. A follower whose leader it was does not wait for its silence to be long: unless it is heard again
   * at once, the voters ask for votes one after the other in the order of their ids. Those that hear a leader refuse (pre-vote).
   */
  disconnected(raftId: number): void {
    const state = this.#state;
    if (state.role !== "follower" || state.leaderId !== raftId) return;
    this.forgetLeader();
    const rank = state.membership.voters.filter(voter => voter !== raftId && voter < this.raftId).length;
    const waitTicks = DISCONNECTED_TICKS * (1 + rank);
    state.electionElapsed = Math.max(state.electionElapsed, state.electionTimeoutTicks - waitTicks);
  }

  /** Messages to this member were lost: what it lacks is asked for before more is sent ahead. */
  unreachable(raftId: number): void {
    const progress = this.#state.progress.get(raftId);
    if (progress?.state === "replicate") progress.becomeProbe();
  }

  /** At the start: the only voter has nobody to wait for. */
  campaignIfAlone(): void {
    const [only, second] = this.#state.membership.voters;
    if (only === this.raftId && second === undefined) this.campaign();
  }

  #tickLeader(): void {
    const state = this.#state;
    state.heartbeatElapsed += 1;
    if (state.electionElapsed >= state.times.electionTicks) {
      state.electionElapsed = 0;
      state.transferTo = 0;
      if (state.rules.checksQuorum && !this.#checkQuorum()) {
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

  /** The disk takes no more writes, or does again. Without one a leader makes way, and nobody hears a promise of this manager. */
  setWritable(isWritable: boolean): void {
    const state = this.#state;
    state.isWritable = isWritable;
    if (!isWritable && state.role !== "follower") state.becomeFollower(state.term, 0);
    this.#assertValid();
  }

  /** The process stood still, so the silence it noticed may be its own: wait a whole timeout before campaigning. */
  stalled(): void {
    this.#state.restartElectionTimer();
  }

  step(message: Message): void {
    assert(message.to === this.raftId, `message for ${message.to} came to ${this.raftId}`);
    receive(this.#state, message);
    this.#assertValid();
  }

  propose(data: Uint8Array): ProposeResult {
    const refusal = this.#refusal();
    if (refusal !== undefined) return { kind: refusal };
    const index = this.#state.appendOwn("data", data);
    return { kind: "accepted", index, term: this.term };
  }

  /**
   * The changes are made as one. One at a time: the one before must be applied, and so must all that this leader found in its log, or two
   * changes made by two leaders could leave two majorities without a common member.
   */
  proposeMembership(...changes: readonly MembershipChange[]): ProposeResult {
    const refusal = this.#refusal();
    if (refusal !== undefined) return { kind: refusal };
    if (this.isMembershipPending) return { kind: "change-pending" };
    const members = changeMembers(this.members, changes);
    if (typeof members === "string") return { kind: "invalid-change" };
    const index = this.#state.appendOwn("membership", encodeMembers(members));
    this.#state.pendingMembership = index;
    return { kind: "accepted", index, term: this.term };
  }

  #refusal(): Refusal | undefined {
    if (this.role !== "leader") return "not-leader";
    if (!this.#state.progress.has(this.raftId)) return "not-member";
    return this.transferTo === 0 ? undefined : "transferring";
  }

  /** The answer comes by `takeReadStates`, or never: ask again after a while. @returns false when nobody can be asked. */
  readIndex(requestId: number): boolean {
    return requestRead(this.#state, requestId);
  }

  /** To the voter given, or to the most advanced one. @returns false when there is nobody to take over. */
  transfer(to?: number): boolean {
    const state = this.#state;
    const successor = to ?? bestSuccessor(state);
    const isNews = state.transferTo !== successor;
    if (successor === undefined || !startTransfer(state, successor)) return false;
    // It need not wait for a heartbeat to hear what it lacks, unless it was asked already.
    if (isNews && !state.progressOf(successor).isPaused) askForGap(state, successor);
    return true;
  }

  /** How many entries a member lacks; `undefined` for one that this manager does not lead, or that has not answered it yet. */
  lagOf(raftId: number): number | undefined {
    const progress = this.#state.progress.get(raftId);
    return progress === undefined || progress.match === 0 ? undefined : this.lastIndex - progress.match;
  }

  snapshotSent(to: number, result: { readonly isOk: boolean }): void {
    snapshotSent(this.#state, to, result);
  }

  /** A snapshot of what is applied is durable: the log up to `compactTo` is no longer needed. */
  snapshotTaken(snapshot: SnapshotMeta, { compactTo }: { readonly compactTo: number }): void {
    const state = this.#state;
    if (snapshot.index < state.snapshot.index) return;
    assert(compactTo <= snapshot.index, "the log is not compacted past the snapshot");
    state.snapshot = snapshot;
    state.log.compactTo(compactTo);
    state.membership.compactTo(compactTo);
  }

  /** `takeMessages` would tell of commits alone. */
  get hasCommitNews(): boolean {
    return this.#state.role === "leader" && hasCommitNews(this.#state);
  }

  /**
   * Messages that may leave at once, even while a write runs: they promise nothing durable.
   * @param options.tellsCommits - Without, commits wait for entries to ride along with.
   */
  takeMessages(options: { readonly tellsCommits?: boolean } = {}): readonly Message[] {
    const state = this.#state;
    if (state.role === "leader") {
      sendAppends(state, options);
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

  get #isWriteDue(): boolean {
    const { log, pendingRestore, term, vote } = this.#state;
    const { term: writtenTerm, vote: writtenVote } = this.#writtenHardState;
    return term !== writtenTerm || vote !== writtenVote || log.hasUnpersisted || pendingRestore !== undefined;
  }

  /** Whether `takeReady` has something. */
  get hasReady(): boolean {
    return this.#state.promises.length > 0 || this.#state.log.hasApplicable || this.#isWriteDue;
  }

  /** @param committedMax - at most so many committed entries at once. `undefined`: there is nothing to do. */
  takeReady({ committedMax }: { readonly committedMax: number }): Ready | undefined {
    if (!this.hasReady) return undefined;
    const state = this.#state;
    const { log, promises, pendingRestore } = state;
    const ready = {
      // The commit index rides along with whatever is written; alone it is not worth a write.
      hardState: this.#isWriteDue ? this.#hardState() : undefined,
      entries: log.takeUnpersisted(),
      snapshot: pendingRestore,
      messages: promises,
      committed: pendingRestore === undefined ? log.takeApplicable(committedMax) : [],
    };
    state.promises = [];
    state.pendingRestore = undefined;
    adoptMembers(state, ready.committed);
    return ready;
  }

  #hardState(): HardState {
    const { term, vote, log } = this.#state;
    return { term, vote, commit: log.commit };
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
    assert(membership.index <= log.commit, "the members come from a committed entry");
    assert(role !== "leader" || membership.voters.length > 0, "a leader has voters");
    for (const { match, next } of progress.values()) assert(match < next, `match ${match} is not below next ${next}`);
  }
}
