import { RaftCore } from "../../../src/raft/core.ts";
import { decodeEnvelope, encodeEnvelope } from "../../../src/raft/encoding.ts";
import type { MembershipChange } from "../../../src/raft/membership.ts";
import type { Entry, HardState, Member, Message, SnapshotMeta } from "../../../src/raft/types.ts";
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

/** What one node keeps over a restart. */
interface Disk {
  hardState: HardState;
  snapshot: SnapshotMeta;
  /** What was applied up to the snapshot. */
  state: readonly string[];
  base: { readonly index: number; readonly term: number };
  entries: Entry[];
}

function member(raftId: number, isLearner: boolean): Member {
  return { raftId, address: `m${raftId}`, isLearner };
}

class OurNode {
  readonly raftId: number;
  core: RaftCore;
  applied: string[] = [];
  readonly disk: Disk;
  readonly #unsent: Message[] = [];

  constructor(raftId: number) {
    this.raftId = raftId;
    const isFirst = FIRST_VOTERS.includes(raftId);
    const base = isFirst ? { index: FIRST_INDEX, term: 1 } : { index: 0, term: 0 };
    const snapshot = { ...base, members: isFirst ? FIRST_VOTERS.map(id => member(id, false)) : [] };
    this.disk = { hardState: { term: 0, vote: 0, commit: base.index }, snapshot, state: [], base, entries: [] };
    this.core = this.restarted();
  }

  restarted(): RaftCore {
    const { hardState, snapshot, base, entries, state } = this.disk;
    this.applied = [...state];
    this.core = new RaftCore({
      raftId: this.raftId,
      hardState,
      snapshot,
      baseIndex: base.index,
      baseTerm: base.term,
      entries: [...entries],
      times: { electionTicks: ELECTION_TICKS, heartbeatTicks: 1 },
      limits: { messageBytesMax: 1_000_000, inflightMessagesMax: 256, inflightBytesMax: 10_000_000 },
      rules: { hasPreVote: true, checksQuorum: true, leavesWhenRemoved: false },
      randomUint32: () => 0,
    });
    return this.core;
  }

  /** Like the driver, which takes what may leave at once after every message. */
  step(message: Message): void {
    this.core.step(message);
    this.#unsent.push(...this.core.takeMessages());
  }

  /** Writes, applies. @returns what may be sent then. */
  handleReady(stateOf: (snapshot: SnapshotMeta) => readonly string[]): readonly Message[] {
    const messages = [...this.#unsent.splice(0), ...this.core.takeMessages()];
    for (;;) {
      const ready = this.core.takeReady({ committedMax: Infinity });
      if (ready === undefined) break;
      const { snapshot, entries, committed } = ready;
      if (snapshot !== undefined) {
        Object.assign(this.disk, {
          snapshot,
          state: stateOf(snapshot),
          base: { index: snapshot.index, term: snapshot.term },
          entries: [],
        });
        this.applied = [...this.disk.state];
      }
      this.#write(entries);
      for (const { kind, data } of committed) if (kind === "data") this.applied.push(Buffer.from(data).toString());
      this.core.persisted(ready);
      messages.push(...ready.messages, ...this.core.takeMessages());
    }
    const { term, vote } = this.core.inspected;
    this.disk.hardState = { term, vote, commit: this.core.commitIndex };
    this.#takeSnapshot();
    return messages;
  }

  /** Always of all that is applied, as theirs. */
  #takeSnapshot(): void {
    const { log } = this.core.inspected;
    const index = log.applied;
    const term = log.termAt(index);
    if (term === undefined || index <= this.disk.snapshot.index) return;
    const snapshot = { index, term, members: this.core.membersAt(index) };
    Object.assign(this.disk, { snapshot, state: [...this.applied] });
    this.core.snapshotTaken(snapshot, { compactTo: log.baseIndex });
  }

  #write(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    this.disk.entries.length = first.index - this.disk.base.index - 1;
    this.disk.entries.push(...entries);
  }

  compact(): void {
    const { snapshot, base, entries } = this.disk;
    entries.splice(0, snapshot.index - base.index);
    this.disk.base = { index: snapshot.index, term: snapshot.term };
    this.core.snapshotTaken(snapshot, { compactTo: snapshot.index });
  }

  get state(): NodeState {
    const { raftId, role, term, leaderId, commitIndex, members } = this.core;
    const { log } = this.core.inspected;
    const ids = (isLearner: boolean) =>
      members
        .filter(each => each.isLearner === isLearner)
        .map(each => each.raftId)
        .sort((a, b) => a - b);
    const last = [log.lastIndex, log.lastTerm] as const;
    const { applied } = this;
    return { raftId, role, term, leader: leaderId, commit: commitIndex, last, voters: ids(false), learners: ids(true), applied };
  }
}

/** Our cores. */
export class OurCluster implements Cluster {
  readonly #nodes = new Map(NODES.map(raftId => [raftId, new OurNode(raftId)]));
  readonly #cuts = new Cuts();
  /** Snapshots that did not arrive, by who sent them; told with the next heartbeat. */
  readonly #lost: { readonly from: number; readonly to: number }[] = [];
  readonly #snapshotStates = new WeakMap<SnapshotMeta, readonly string[]>();

  #node(raftId: number): OurNode {
    const node = this.#nodes.get(raftId);
    if (node === undefined) throw new Error(`no node ${raftId}`);
    return node;
  }

  states(): readonly NodeState[] {
    return [...this.#nodes.values()].map(({ state }) => state);
  }

  run(command: Command): boolean {
    const isTaken = this.#run(command);
    this.#settle();
    return isTaken;
  }

  #run(command: Command): boolean {
    const node = this.#node(command.on);
    const { core } = node;
    switch (command.kind) {
      case "campaign":
        core.campaign();
        return true;
      case "heartbeat":
        for (const { from, to } of this.#lost.splice(0)) this.#node(from).core.snapshotSent(to, { isOk: false });
        core.tick();
        return true;
      case "cut":
      case "heal":
        this.#cuts.set(command.on, command.kind === "cut");
        return true;
      case "compact":
        node.compact();
        return true;
      case "restart":
        node.restarted();
        return true;
      case "propose":
        return core.propose(Buffer.from(command.text)).kind === "accepted";
      case "transfer":
        return core.role === "leader" && core.transfer(command.to);
      case "change":
        return core.proposeMembership(changeOf(command)).kind === "accepted";
    }
  }

  #settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let isQuiet = true;
      for (const node of this.#nodes.values()) {
        const messages = node.handleReady(snapshot => this.#snapshotStates.get(snapshot) ?? []);
        for (const message of messages) this.#deliver(decodeEnvelope(encodeEnvelope({ message, fromAddress: "" })).message);
        const sends = node.core.takeSnapshotSends();
        for (const { to } of sends) this.#sendSnapshot(node, to);
        if (messages.length + sends.length > 0) isQuiet = false;
      }
      if (isQuiet) return;
    }
    throw new Error("our nodes talk for ever");
  }

  #deliver(message: Message): void {
    if (this.#cuts.isOpen(message.from, message.to)) this.#node(message.to).step(message);
  }

  #sendSnapshot({ raftId: from, core, disk: { snapshot, state } }: OurNode, to: number): void {
    if (!this.#cuts.isOpen(from, to)) {
      this.#lost.push({ from, to });
      return;
    }
    const meta = { ...snapshot };
    this.#snapshotStates.set(meta, state);
    this.#deliver({ kind: "install-snapshot", from, to, term: core.term, meta });
  }
}

function changeOf({ change, of }: Extract<Command, { readonly kind: "change" }>): MembershipChange {
  if (change === "remove") return { kind: "remove", raftId: of };
  return { kind: change === "voter" ? "add-voter" : "add-learner", raftId: of, address: `m${of}` };
}
