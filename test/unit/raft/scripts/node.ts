import assert from "node:assert/strict";
import { RaftCore } from "../../../../src/raft/core.ts";
import type { RaftRules } from "../../../../src/raft/state.ts";
import type { Entry, HardState, InstallSnapshot, Member, Message, SnapshotMeta } from "../../../../src/raft/types.ts";
import {
  type ChangeNames,
  describeEntry,
  describeHardState,
  describeMessage,
  describeSnapshot,
  ROLE_NAMES,
} from "./description.ts";

/** As the scripts assume. */
export const ELECTION_TICKS = 3;

export interface NodeSetup {
  readonly raftId: number;
  readonly members: readonly Member[];
  /** Where the log begins, with term 1; 0 for a node that knows nothing. */
  readonly index: number;
  readonly inflightMessagesMax: number;
  readonly rules: RaftRules;
}

/** One core, with what a driver keeps beside it: messages that wait to be sent, and what was last shown of its state. */
export class ScriptedNode {
  readonly core: RaftCore;
  #electionTimeoutTicks = 2 * ELECTION_TICKS - 1;
  #unsent: Message[] = [];
  #shownHardState: HardState;
  #shownSoftState: string;

  constructor({ raftId, members, index, inflightMessagesMax, rules }: NodeSetup) {
    const snapshot: SnapshotMeta = { index, term: Math.min(index, 1), members };
    this.#shownHardState = { term: 0, vote: 0, commit: index };
    this.core = new RaftCore({
      raftId,
      hardState: this.#shownHardState,
      snapshot,
      baseIndex: snapshot.index,
      baseTerm: snapshot.term,
      entries: [],
      times: { electionTicks: ELECTION_TICKS, heartbeatTicks: 1 },
      limits: { messageBytesMax: 1_000_000, inflightMessagesMax, inflightBytesMax: 1_000_000 },
      rules,
      randomUint32: () => this.#electionTimeoutTicks - ELECTION_TICKS,
    });
    this.#shownSoftState = this.#softState();
  }

  /** Like the driver, which takes what may leave at once after every input. */
  input<Result>(run: (core: RaftCore) => Result): Result {
    const result = run(this.core);
    this.#unsent.push(...this.core.takeMessages());
    for (const { to } of this.core.takeSnapshotSends()) this.#unsent.push(this.snapshotFor(to));
    return result;
  }

  setElectionTimeout(ticks: number): void {
    this.#electionTimeoutTicks = ticks;
    this.core.stalled(); // Draws anew.
  }

  snapshotFor(to: number): InstallSnapshot {
    const { raftId: from, term } = this.core;
    return { kind: "install-snapshot", from, to, term, meta: this.core.inspected.snapshot };
  }

  #softState(): string {
    return `Lead:${this.core.leaderId} State:${ROLE_NAMES[this.core.role]}`;
  }

  #hardState(): HardState {
    const { term, vote } = this.core.inspected;
    return { term, vote, commit: this.core.commitIndex };
  }

  get hasReady(): boolean {
    const { term, vote, commit } = this.#shownHardState;
    const now = this.#hardState();
    const isStateNews =
      this.#softState() !== this.#shownSoftState || now.term !== term || now.vote !== vote || now.commit !== commit;
    return isStateNews || this.#unsent.length > 0 || this.core.hasReady;
  }

  /**
   * Writes, applies, and hands out the messages. What was committed when this began is applied in the same turn, as etcd does with
   * storage that is not asynchronous: our core hands it out as soon as it is durable.
   */
  handleReady(names: ChangeNames): { readonly text: string; readonly messages: readonly Message[] } {
    const [softState, hardState, shown] = [this.#softState(), this.#hardState(), this.#shownHardState];
    const messages = this.#unsent;
    this.#unsent = [];
    const ready = this.core.takeReady({ committedMax: Infinity });
    const { entries = [], snapshot, committed = [] } = ready ?? {};
    messages.push(...(ready?.messages ?? []));
    const applied = [...committed];
    if (ready !== undefined) {
      this.input(core => core.persisted(ready));
      applied.push(...this.#rest(hardState.commit));
    }
    const isHardStateNews = describeHardState(hardState) !== describeHardState(shown);
    const mustSync = entries.length > 0 || hardState.term !== shown.term || hardState.vote !== shown.vote;
    const lines = (title: string, list: readonly Entry[]) =>
      list.length === 0 ? [] : [title, ...list.map(entry => describeEntry(entry, names))];
    const text = [
      ...(softState === this.#shownSoftState ? [] : [softState]),
      ...(isHardStateNews ? [describeHardState(hardState)] : []),
      ...lines("Entries:", entries),
      ...(snapshot === undefined ? [] : [`Snapshot ${describeSnapshot(snapshot)}`]),
      ...lines("CommittedEntries:", applied),
      ...(messages.length === 0 ? [] : ["Messages:", ...messages.map(message => describeMessage(message, names))]),
    ];
    this.#shownSoftState = softState;
    this.#shownHardState = hardState;
    this.#takeSnapshot();
    return { text: [`Ready MustSync=${mustSync}:`, ...text].join("\n"), messages };
  }

  #rest(commit: number): readonly Entry[] {
    const count = commit - this.core.inspected.log.applied;
    if (count <= 0) return [];
    const rest = this.input(core => core.takeReady({ committedMax: count }));
    assert.ok(
      rest !== undefined && rest.entries.length === 0 && rest.messages.length === 0,
      "only what is to be applied is left",
    );
    this.input(core => core.persisted(rest));
    return rest.committed;
  }

  /** The scripts' state machine is its log: a snapshot of all that is applied is always there. */
  #takeSnapshot(): void {
    const { log } = this.core.inspected;
    const term = log.termAt(log.applied);
    assert.ok(term !== undefined, "the last applied entry's term is known");
    const meta = { index: log.applied, term, members: this.core.membersAt(log.applied) };
    if (meta.index > this.core.inspected.snapshot.index) this.core.snapshotTaken(meta, { compactTo: log.baseIndex });
  }

  /** Forgets the log up to `index`. */
  compactTo(index: number): void {
    this.core.snapshotTaken(this.core.inspected.snapshot, { compactTo: index });
  }

  /** What is durable. */
  describeLog(names: ChangeNames): string {
    const { log } = this.core.inspected;
    const entries = log.read(log.baseIndex + 1, Infinity).entries.filter(({ index }) => index <= log.persisted);
    if (entries.length === 0) return `log is empty: first index=${log.baseIndex + 1}, last index=${log.baseIndex}`;
    return entries.map(entry => describeEntry(entry, names)).join("\n");
  }
}
