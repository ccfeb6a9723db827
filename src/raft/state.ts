import { assert, defined } from "../lib/assert.ts";
import { decodeMembers } from "./encoding.ts";
import type { RaftLog } from "./log.ts";
import type { MembershipHistory } from "./membership.ts";
import { type FlowLimits, Progress } from "./progress.ts";
import { ReadQueue } from "./read-index.ts";
import type { Entry, Message, RaftRole, ReadState, SnapshotMeta } from "./types.ts";

export interface RaftTimes {
  /** A leader that no majority answered for this long steps down; a follower that heard the leader within it grants no vote. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
}

/** What the paper leaves to choose; a manager wants all of it. */
export interface RaftRules {
  /** Asks "would you vote for me?" before the term is raised (thesis 9.6). */
  readonly hasPreVote: boolean;
  /** A leader that cannot hear a majority steps down, and who hears a leader elects no other (thesis 6.2, 4.2.3). */
  readonly checksQuorum: boolean;
  /** A leader that is a voter no more makes way; else it leads on, and takes no proposals. */
  readonly leavesWhenRemoved: boolean;
}

export const RULES: RaftRules = { hasPreVote: true, checksQuorum: true, leavesWhenRemoved: true };

export interface RaftLimits extends FlowLimits {
  /** Of the entries in one message, unless a single entry is larger. */
  readonly messageBytesMax: number;
}

export interface RaftStateOptions {
  readonly raftId: number;
  readonly term: number;
  readonly vote: number;
  readonly log: RaftLog;
  readonly membership: MembershipHistory;
  readonly snapshot: SnapshotMeta;
  readonly times: RaftTimes;
  readonly limits: RaftLimits;
  readonly rules?: RaftRules;
  /** Uniform in 0..2^32-1. */
  readonly randomUint32: () => number;
}

/** Everything one manager knows. Owned by RaftCore; the functions of the files beside it are its methods, by idea. */
export class RaftState {
  readonly raftId: number;
  readonly times: RaftTimes;
  readonly limits: RaftLimits;
  readonly rules: RaftRules;
  readonly log: RaftLog;
  readonly membership: MembershipHistory;
  readonly #randomUint32: () => number;

  term: number;
  /** 0: none in this term. */
  vote: number;
  role: RaftRole = "follower";
  /** 0: unknown. */
  leaderId = 0;

  /** Ticks since the leader was last heard; on the leader, since the last quorum check. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** Drawn anew for each wait, from 1 to 2 election timeouts, so that split votes are rare (Raft 5.2). */
  electionTimeoutTicks = 0;

  /** Candidates only: who answered what. */
  votes = new Map<number, boolean>();
  /** Leaders only: every other member, and itself. */
  progress = new Map<number, Progress>();
  /** Whether the disk takes writes. Without it this manager neither leads nor promises anything: it listens. */
  isWritable = true;
  /** Leaders only: whom to hand leadership to; 0: nobody. */
  transferTo = 0;
  /** Leaders only: before this entry is applied no member change may follow, since it is one or an earlier leader's may be before it. */
  pendingMembership = 0;
  readonly reads = new ReadQueue();

  /** The newest snapshot taken or restored here. */
  snapshot: SnapshotMeta;
  /** Restored by the leader's snapshot and not yet handed to the disk. */
  pendingRestore: SnapshotMeta | undefined;

  /** Messages that promise nothing durable: they may leave at once. */
  messages: Message[] = [];
  /** Messages that leave after the next write. */
  promises: Message[] = [];
  readStates: ReadState[] = [];
  snapshotSends: { readonly to: number; readonly index: number }[] = [];

  constructor(options: RaftStateOptions) {
    this.raftId = options.raftId;
    this.term = options.term;
    this.vote = options.vote;
    this.log = options.log;
    this.membership = options.membership;
    this.snapshot = options.snapshot;
    this.times = options.times;
    this.limits = options.limits;
    this.rules = options.rules ?? RULES;
    this.#randomUint32 = options.randomUint32;
    this.restartElectionTimer();
  }

  restartElectionTimer(): void {
    const { electionTicks } = this.times;
    this.electionElapsed = 0;
    this.electionTimeoutTicks = electionTicks + (this.#randomUint32() % electionTicks);
  }

  get isPromotable(): boolean {
    return this.membership.isVoter(this.raftId);
  }

  /** A committed member list was not adopted yet: an election by the one before could go wrong. */
  get isMembershipWaiting(): boolean {
    return this.log.isCommittedAfter(Math.max(this.log.applied, this.membership.index), "membership");
  }

  /** Heard from a leader so lately that another election would only disturb (thesis 4.2.3). */
  get hasFreshLeader(): boolean {
    return this.rules.checksQuorum && this.leaderId !== 0 && this.electionElapsed < this.times.electionTicks;
  }

  progressOf(raftId: number): Progress {
    return defined(this.progress.get(raftId), `progress of ${raftId}`);
  }

  #reset(term: number): void {
    assert(term >= this.term, `term goes back from ${this.term} to ${term}`);
    if (term !== this.term) this.vote = 0;
    this.term = term;
    this.leaderId = 0;
    this.heartbeatElapsed = 0;
    this.transferTo = 0;
    this.votes.clear();
    this.progress.clear();
    this.reads.clear();
    this.restartElectionTimer();
  }

  becomeFollower(term: number, leaderId: number): void {
    this.#reset(term);
    this.role = "follower";
    this.leaderId = leaderId;
  }

  /** Keeps term and vote: asking changes nothing. */
  becomePreCandidate(): void {
    assert(this.role !== "leader", "a leader does not campaign");
    this.role = "pre-candidate";
    this.leaderId = 0;
    this.votes.clear();
  }

  becomeCandidate(): void {
    assert(this.role !== "leader", "a leader does not campaign");
    this.#reset(this.term + 1);
    this.role = "candidate";
    this.vote = this.raftId;
  }

  /** The new leader's own entry is the first it may commit (Raft 5.4.2). */
  becomeLeader(): void {
    assert(this.role === "candidate", "only a candidate becomes leader");
    this.#reset(this.term);
    this.role = "leader";
    this.leaderId = this.raftId;
    this.pendingMembership = this.log.lastIndex;
    for (const { raftId } of this.membership.members) this.#follow(raftId, { next: this.log.lastIndex + 1, isActive: false });
    this.appendOwn("empty", new Uint8Array(0));
  }

  #follow(raftId: number, { next, isActive }: { readonly next: number; readonly isActive: boolean }): void {
    const progress = new Progress(next, this.limits);
    if (raftId === this.raftId) {
      progress.becomeReplicate(); // Its own log needs no probe.
      progress.accepted(this.log.persisted);
    }
    progress.isActive = isActive || raftId === this.raftId;
    this.progress.set(raftId, progress);
  }

  /**
   * Follows the member list: members that left are forgotten; to new ones the last entry is sent at once, to learn where their log is, and
   * the next quorum check does not count their silence before.
   */
  syncProgress(): void {
    const { members } = this.membership;
    for (const raftId of this.progress.keys()) {
      if (!members.some(member => member.raftId === raftId)) this.progress.delete(raftId);
    }
    for (const { raftId } of members) {
      if (!this.progress.has(raftId)) this.#follow(raftId, { next: Math.max(this.log.lastIndex, 1), isActive: true });
    }
  }

  /** Appends one entry of this leader's. @returns its index. */
  appendOwn(kind: Entry["kind"], data: Uint8Array): number {
    assert(this.role === "leader", "only a leader appends its own");
    const index = this.log.lastIndex + 1;
    this.log.append([{ index, term: this.term, kind, data }]);
    return index;
  }

  /** The member lists among these committed entries hold from now on. @returns whether there was a new one. */
  adoptMembers(committed: readonly Entry[]): boolean {
    const lists = committed.filter(({ kind, index }) => kind === "membership" && index > this.membership.index);
    for (const { index, data } of lists) this.membership.push(index, decodeMembers(data));
    return lists.length > 0;
  }
}
