/** A manager as Raft knows it. A learner receives the log and neither votes nor counts for commits. */
export interface Member {
  /** From 1 up; 0 stands for "nobody" in the core. */
  readonly raftId: number;
  readonly address: string;
  readonly isLearner: boolean;
}

/** `empty`: what a new leader commits first. `membership`: the data is the whole member list, which holds once this entry is applied. */
export const ENTRY_KINDS = ["data", "membership", "empty"] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What must be durable before any message that relies on it leaves. `vote` 0: not voted in this term. */
export interface HardState {
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
}

export interface SnapshotMeta {
  /** The last entry that the snapshot holds. */
  readonly index: number;
  readonly term: number;
  /** The members as of `index`. */
  readonly members: readonly Member[];
}

interface Addressed {
  readonly from: number;
  readonly to: number;
  readonly term: number;
}

export interface VoteRequest extends Addressed {
  /** A pre-vote asks "would you vote for me in `term`?" and changes nothing where it is answered (thesis 9.6). */
  readonly kind: "pre-vote-request" | "vote-request";
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader asked for this election, so voters do not stick to it (thesis 3.10). */
  readonly isTransfer: boolean;
}

export interface VoteResponse extends Addressed {
  readonly kind: "pre-vote-response" | "vote-response";
  readonly isGranted: boolean;
}

export interface AppendRequest extends Addressed {
  readonly kind: "append-request";
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly commit: number;
  readonly entries: readonly Entry[];
}

export interface AppendResponse extends Addressed {
  readonly kind: "append-response";
  /** Accepted: the last index known to match the leader's log. Rejected: the `prevIndex` that was refused. */
  readonly index: number;
  readonly isRejected: boolean;
  /** Where the logs may still agree: the follower's last entry at or before `index` with a term no newer than the one refused. */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

export interface Heartbeat extends Addressed {
  readonly kind: "heartbeat";
  readonly commit: number;
  /** The newest round of read confirmations; the answer repeats it. */
  readonly readRound: number;
}

export interface HeartbeatResponse extends Addressed {
  readonly kind: "heartbeat-response";
  readonly readRound: number;
}

/** Tells the receiver to campaign at once. */
export interface TimeoutNow extends Addressed {
  readonly kind: "timeout-now";
}

export interface ReadRequest extends Addressed {
  readonly kind: "read-request";
  readonly requestId: number;
}

export interface ReadResponse extends Addressed {
  readonly kind: "read-response";
  readonly requestId: number;
  readonly index: number;
}

/** Stepped by the receiving driver once all of a snapshot's bytes are there; never sent as a message. */
export interface InstallSnapshot extends Addressed {
  readonly kind: "install-snapshot";
  readonly meta: SnapshotMeta;
}

export type Message =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | TimeoutNow
  | ReadRequest
  | ReadResponse
  | InstallSnapshot;

export type RaftRole = "follower" | "pre-candidate" | "candidate" | "leader";

/** The answer to `readIndex`: the local state may be read once it has applied `index`. */
export interface ReadState {
  readonly requestId: number;
  readonly index: number;
}

/**
 * What the core wants done, in this order: persist `snapshot`, then `hardState` and `entries` in one write and sync;
 * tell the core by `persisted`; then send `messages`; apply `committed`.
 */
export interface Ready {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  readonly snapshot: SnapshotMeta | undefined;
  /** Promises about durable state: they leave only after the write. */
  readonly messages: readonly Message[];
  /** Durable here and committed, so they may be applied while the write runs. */
  readonly committed: readonly Entry[];
}
