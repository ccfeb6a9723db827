import {
  type Cluster,
  type Command,
  Cuts,
  ELECTION_TICKS,
  FIRST_INDEX,
  FIRST_VOTERS,
  NODES,
  type NodeState,
  ROUNDS_MAX,
} from "./cluster.ts";
import type {
  ConfState,
  TheirEntry,
  TheirMessage,
  TheirNode,
  TheirPackage,
  TheirSnapshot,
  TheirStorage,
} from "./their-package.ts";

const ROLES = ["follower", "candidate", "leader", "pre-candidate"];
const SNAPSHOT_FAILURE = 2;

class TheirMember {
  readonly raftId: number;
  readonly #package: TheirPackage;
  readonly storage: TheirStorage;
  node: TheirNode;
  applied: string[] = [];
  #appliedIndex = 0;
  #members: ConfState;

  constructor(theirs: TheirPackage, raftId: number) {
    this.raftId = raftId;
    this.#package = theirs;
    this.storage = theirs.MemoryStorage.NewMemoryStorage();
    this.#members = new theirs.ConfState({ voters: FIRST_VOTERS.map(String), learners: [] });
    if (FIRST_VOTERS.includes(raftId)) {
      const metadata = new theirs.SnapshotMetadata({ index: FIRST_INDEX, term: 1, confState: this.#members });
      this.storage.ApplySnapshot(new theirs.Snapshot({ data: [], metadata }));
    }
    this.node = this.restarted();
  }

  restarted(): TheirNode {
    const [{ data, metadata }] = this.storage.Snapshot();
    this.applied = Array.isArray(data) ? [...data] : [];
    this.#appliedIndex = metadata.index;
    this.#members = metadata.confState;
    this.node = this.#package.RawNode.NewRawNode(
      new this.#package.RaftConfig({
        id: String(this.raftId),
        electionTick: ELECTION_TICKS,
        heartbeatTick: 1,
        storage: this.storage,
        applied: metadata.index,
        maxSizePerMsg: 1_000_000,
        maxInflightMsgs: 256,
        preVote: true,
        checkQuorum: true,
        disableProposalForwarding: true,
      }),
    );
    return this.node;
  }

  /** Writes, applies. @returns what may be sent then. */
  handleReady(): readonly TheirMessage[] {
    const messages: TheirMessage[] = [];
    while (this.node.hasReady()) {
      const ready = this.node.ready();
      const { snapshot, hardState, entries, committedEntries } = ready;
      if (!snapshot.isEmptySnap()) {
        this.storage.ApplySnapshot(snapshot);
        this.applied = [...snapshot.data];
        this.#appliedIndex = snapshot.metadata.index;
        this.#members = snapshot.metadata.confState;
      }
      this.storage.Append(entries);
      if (!hardState.isEmptyHardState()) this.storage.SetHardState(hardState);
      for (const entry of committedEntries) this.#apply(entry);
      messages.push(...ready.messages);
      this.node.advance(ready);
    }
    this.#takeSnapshot();
    return messages;
  }

  #apply({ index, type, data }: TheirEntry): void {
    this.#appliedIndex = index;
    if (type !== this.#package.EntryType["EntryNormal"]) this.#members = this.node.applyConfChange(data);
    else if (typeof data === "string") this.applied.push(data);
  }

  /** Always of all that is applied: they take no snapshot in which they are no members themselves. */
  #takeSnapshot(): void {
    if (this.#appliedIndex <= this.storage.Snapshot()[0].metadata.index) return;
    this.storage.CreateSnapshot(this.#appliedIndex, this.#members, [...this.applied]);
  }

  compact(): void {
    this.storage.Compact(this.#appliedIndex);
  }

  get state(): NodeState {
    const { softState, hardState } = this.node.basicStatus();
    const [last] = this.storage.LastIndex();
    const ids = (texts: readonly string[] | null | undefined) => [...(texts ?? [])].map(Number).sort((a, b) => a - b);
    const { raftId, applied } = this;
    return {
      ...{ raftId, applied },
      role: ROLES[softState.raftState] ?? "?",
      term: hardState.term,
      leader: Number(softState.lead),
      commit: hardState.commit,
      last: [last, this.storage.Term(last)[0]],
      voters: ids(this.#members.voters),
      learners: ids(this.#members.learners),
    };
  }
}

/** Theirs, asked the same. */
export class TheirCluster implements Cluster {
  readonly #package: TheirPackage;
  readonly #members: ReadonlyMap<number, TheirMember>;
  readonly #cuts = new Cuts();
  readonly #lost: { readonly from: number; readonly to: number }[] = [];

  constructor(theirs: TheirPackage) {
    this.#package = theirs;
    this.#members = new Map(NODES.map(raftId => [raftId, new TheirMember(theirs, raftId)]));
  }

  #member(raftId: number): TheirMember {
    const member = this.#members.get(raftId);
    if (member === undefined) throw new Error(`no node ${raftId}`);
    return member;
  }

  states(): readonly NodeState[] {
    return [...this.#members.values()].map(({ state }) => state);
  }

  run(command: Command): boolean {
    const isTaken = this.#run(command);
    this.#settle();
    return isTaken;
  }

  #run(command: Command): boolean {
    const member = this.#member(command.on);
    const { node } = member;
    switch (command.kind) {
      case "campaign":
        node.campaign();
        return true;
      case "heartbeat":
        for (const { from, to } of this.#lost.splice(0)) this.#member(from).node.reportSnapshot(String(to), SNAPSHOT_FAILURE);
        node.tick();
        return true;
      case "cut":
      case "heal":
        this.#cuts.set(command.on, command.kind === "cut");
        return true;
      case "compact":
        member.compact();
        return true;
      case "restart":
        member.restarted();
        return true;
      case "propose":
        return isFine(node.propose(command.text));
      case "transfer":
        node.transferLeader(String(command.to));
        return true;
      case "change":
        return isFine(node.proposeConfChange(this.#changeOf(command)));
    }
  }

  #changeOf({ change, of }: Extract<Command, { readonly kind: "change" }>): unknown {
    const names = { voter: "ConfChangeAddNode", learner: "ConfChangeAddLearnerNode", remove: "ConfChangeRemoveNode" };
    return new this.#package.ConfChange({ type: this.#package.ConfChangeType[names[change]], nodeId: String(of) });
  }

  #settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let isQuiet = true;
      for (const member of this.#members.values()) {
        const messages = member.handleReady();
        if (messages.length > 0) isQuiet = false;
        for (const message of messages) this.#deliver(message);
      }
      if (isQuiet) return;
    }
    throw new Error("their nodes talk for ever");
  }

  #deliver(message: TheirMessage): void {
    const [from, to] = [Number(message.from), Number(message.to)];
    const isSnapshot = message.type === this.#package.MessageType["MsgSnap"];
    if (!this.#cuts.isOpen(from, to)) {
      if (isSnapshot) this.#lost.push({ from, to });
      return;
    }
    // Their storage changes its snapshot in place: the receiver gets one of its own.
    if (isSnapshot) Object.assign(message, { snapshot: this.#copyOf(message.snapshot) });
    this.#member(to).node.step(message);
  }

  #copyOf({ data, metadata }: TheirSnapshot): unknown {
    return new this.#package.Snapshot({ data: [...data], metadata: new this.#package.SnapshotMetadata({ ...metadata }) });
  }
}

function isFine(error: unknown): boolean {
  return error === null || error === undefined;
}
