/** What the manager asks of Raft. Implemented by `raft/driver.ts`; ids are Raft's own small integers. */
export interface Consensus {
  status(): ConsensusStatus;
  /** Yields the status now and after each change of role, leader or term, newest only. */
  watchStatus(options: { readonly signal: AbortSignal }): AsyncIterable<ConsensusStatus>;
  /**
   * Replicates an entry and resolves with what the state machine's `apply` returned for it, once it is durable on a majority and applied here.
   * @throws OperationError `unavailable` when this manager does not lead, or lost leadership (then the entry may or may not be kept).
   */
  propose(data: Uint8Array, options: { readonly signal?: AbortSignal }): Promise<unknown>;
  /** Resolves when the local state holds everything acknowledged before the call (read index; works on followers too). */
  readBarrier(options: { readonly signal?: AbortSignal }): Promise<void>;
  /** One change at a time; a new manager comes in as a learner and is made a voter once it has caught up. Leader only. */
  addMember(member: RaftMember, options: { readonly signal?: AbortSignal }): Promise<void>;
  removeMember(raftId: number, options: { readonly signal?: AbortSignal }): Promise<void>;
  /** Hands leadership to `raftId`, or to the most advanced voter. Resolves when this manager no longer leads. */
  transferLeadership(options: { readonly to?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** A message from a peer, as its driver encoded it. One that names a sender whose messages `speaksFor` denies is dropped. */
  receive(message: Uint8Array, speaksFor?: SpeaksFor): void;
  /** The connection that brought a peer's messages broke: a leader may be gone, and is not waited for as long as a silent one. */
  disconnected(raftId: number): void;
  /**
   * The chunks of a snapshot as the leader's driver sent them. Resolves once the snapshot is restored here, or was not needed.
   * @throws OperationError `forbidden` when `speaksFor` denies the sender that it names.
   */
  receiveSnapshot(chunks: AsyncIterable<Uint8Array>, speaksFor?: SpeaksFor): Promise<void>;
  /** Stops at once: nothing more is sent or applied. Leadership is not transferred. */
  stop(): Promise<void>;
}

/** Whether whoever brought a message may send in the name of this Raft id. */
export type SpeaksFor = (raftId: number) => boolean;

export interface RaftMember {
  readonly raftId: number;
  /** host:port of its manager port. */
  readonly address: string;
}

export interface ConsensusStatus {
  readonly raftId: number;
  readonly role: "follower" | "candidate" | "leader";
  readonly leaderId: number | undefined;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly members: readonly (RaftMember & { readonly isLearner: boolean })[];
}

/** The replicated state. Called in log order, never concurrently. `apply` is deterministic. */
export interface StateMachine {
  /** @returns what `propose` resolves with on the manager that proposed it. */
  apply(entry: { readonly index: number; readonly term: number; readonly data: Uint8Array }): unknown;
  /** O(1): fixes the state as it is now; the chunks (each at most 256 KiB, each made in at most 10 ms) are read later. */
  snapshot(): AsyncIterable<Uint8Array>;
  restore(chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

/** How encoded messages reach a peer. Never blocks: what cannot be sent now is dropped, and Raft sends again. */
export interface RaftTransport {
  send(to: RaftMember, message: Uint8Array): void;
  /** From then on `tell` hears of each address to which messages were lost. */
  onLost?(tell: (address: string) => void): void;
  /** Sends a snapshot's chunks on a stream of their own, behind no heartbeat. */
  sendSnapshot(to: RaftMember, chunks: AsyncIterable<Uint8Array>, options: { readonly signal: AbortSignal }): Promise<void>;
}
