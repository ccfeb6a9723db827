import { RaftCore } from "../../../src/raft/core.ts";
import { encodeMembers } from "../../../src/raft/encoding.ts";
import type { RaftRules } from "../../../src/raft/state.ts";
import type { Entry, Member, Message, ReadState } from "../../../src/raft/types.ts";

export const ELECTION_TICKS = 10;
/** With draws of 0 the election timeout is 10 ticks, with 9 it is 19. */
export interface CoreSetup {
  readonly raftId?: number;
  readonly voters?: readonly number[];
  readonly learners?: readonly number[];
  readonly term?: number;
  readonly vote?: number;
  readonly commit?: number;
  /** The terms of the entries from index 1 on. */
  readonly terms?: readonly number[];
  /** What `randomUint32` gives. */
  readonly draw?: number | (() => number);
  readonly rules?: RaftRules;
  readonly messageBytesMax?: number;
  readonly inflightMessagesMax?: number;
  readonly inflightBytesMax?: number;
}

export function membersOf(voters: readonly number[], learners: readonly number[] = []): readonly Member[] {
  const member = (raftId: number, isLearner: boolean): Member => ({ raftId, address: `m${raftId}`, isLearner });
  return [...voters.map(raftId => member(raftId, false)), ...learners.map(raftId => member(raftId, true))];
}

export function entriesOf(terms: readonly number[], firstIndex = 1): readonly Entry[] {
  return terms.map((term, at) => ({
    index: firstIndex + at,
    term,
    kind: "data",
    data: Buffer.from(`${firstIndex + at}@${term}`),
  }));
}

export function membershipEntry(index: number, term: number, members: readonly Member[]): Entry {
  return { index, term, kind: "membership", data: encodeMembers(members) };
}

export function aCore(setup: CoreSetup = {}): RaftCore {
  const { raftId = 1, voters = [1, 2, 3], learners = [], terms = [], commit = 0, vote = 0, draw = 0 } = setup;
  const { messageBytesMax = 1_000_000, inflightMessagesMax = 256, inflightBytesMax = 1_000_000 } = setup;
  return new RaftCore({
    raftId,
    hardState: { term: setup.term ?? terms.at(-1) ?? 0, vote, commit },
    snapshot: { index: 0, term: 0, members: membersOf(voters, learners) },
    baseIndex: 0,
    baseTerm: 0,
    entries: entriesOf(terms),
    times: { electionTicks: ELECTION_TICKS, heartbeatTicks: 1 },
    limits: { messageBytesMax, inflightMessagesMax, inflightBytesMax },
    ...(setup.rules !== undefined && { rules: setup.rules }),
    randomUint32: typeof draw === "number" ? () => draw : draw,
  });
}

export interface Outputs {
  readonly messages: readonly Message[];
  readonly committed: readonly Entry[];
  readonly written: readonly Entry[];
  readonly readStates: readonly ReadState[];
}

/** Carries out everything the core wants, as a driver with an instant disk would. */
export function drain(core: RaftCore): Outputs {
  const messages: Message[] = [...core.takeMessages()];
  const committed: Entry[] = [];
  const written: Entry[] = [];
  for (let ready = core.takeReady({ committedMax: 1_000 }); ready; ready = core.takeReady({ committedMax: 1_000 })) {
    core.persisted(ready);
    written.push(...ready.entries);
    messages.push(...ready.messages);
    committed.push(...ready.committed);
    messages.push(...core.takeMessages());
  }
  return { messages, committed, written, readStates: core.takeReadStates() };
}

export function ticks(core: RaftCore, count: number): void {
  for (let tick = 0; tick < count; tick++) core.tick();
}

/** What is said, without who says it to whom. */
export function brief(messages: readonly Message[]): readonly string[] {
  return messages.map(({ kind, to }) => `${kind} to ${to}`).sort();
}

/** A core that was elected: its own empty entry is in the log, sent to nobody yet. */
export function aLeader(setup: CoreSetup = {}): RaftCore {
  const core = aCore(setup);
  ticks(core, ELECTION_TICKS);
  drain(core);
  const from = core.members.filter(member => !member.isLearner && member.raftId !== core.raftId).map(member => member.raftId);
  const head = { to: core.raftId, term: core.term + 1, isGranted: true } as const;
  for (const voter of from) core.step({ kind: "pre-vote-response", from: voter, ...head });
  drain(core);
  for (const voter of from) core.step({ kind: "vote-response", from: voter, ...head });
  return core;
}

export function accept(core: RaftCore, from: number, index: number): void {
  const head = { from, to: core.raftId, term: core.term };
  core.step({ kind: "append-response", ...head, index, isRejected: false, hintIndex: 0, hintTerm: 0 });
}

/** Cores that hear each other at once; `isLost` decides what does not arrive. */
export class CoreNetwork {
  readonly cores: ReadonlyMap<number, RaftCore>;
  isLost: (message: Message) => boolean = () => false;
  readonly committed = new Map<number, Entry[]>();

  constructor(cores: readonly RaftCore[]) {
    this.cores = new Map(cores.map(core => [core.raftId, core]));
  }

  /** Delivers until nobody has anything to say. */
  settle(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const core of this.cores.values()) {
        const { messages, committed } = drain(core);
        this.committed.set(core.raftId, [...(this.committed.get(core.raftId) ?? []), ...committed]);
        for (const message of messages) {
          if (this.isLost(message)) continue;
          isBusy = true;
          this.cores.get(message.to)?.step(message);
        }
      }
    }
  }

  /** Everyone's time passes. */
  tick(count: number): void {
    for (let tick = 0; tick < count; tick++) {
      for (const core of this.cores.values()) core.tick();
      this.settle();
    }
  }

  core(raftId: number): RaftCore {
    const core = this.cores.get(raftId);
    if (core === undefined) throw new Error(`no core ${raftId}`);
    return core;
  }

  elect(raftId: number): RaftCore {
    ticks(this.core(raftId), 2 * ELECTION_TICKS);
    this.settle();
    return this.core(raftId);
  }

  leaders(): readonly number[] {
    return [...this.cores.values()].filter(core => core.role === "leader").map(core => core.raftId);
  }
}
