import Module, { createRequire } from "node:module";

/** The part of `@coaty/consensus.raft` that is used here: its port of etcd's core, by the names it has there. */
export interface TheirMessage {
  readonly type: number;
  readonly to: string;
  readonly from: string;
  readonly snapshot: TheirSnapshot;
}

export interface TheirSnapshot {
  readonly data: readonly string[];
  readonly metadata: { readonly index: number; readonly term: number; readonly confState: ConfState };
  isEmptySnap(): boolean;
}

export interface ConfState {
  readonly voters: readonly string[];
  readonly learners: readonly string[];
}

export interface TheirEntry {
  readonly index: number;
  readonly type: number;
  readonly data: unknown;
}

export interface TheirReady {
  readonly hardState: { isEmptyHardState(): boolean };
  readonly entries: readonly TheirEntry[];
  readonly snapshot: TheirSnapshot;
  readonly committedEntries: readonly TheirEntry[];
  readonly messages: readonly TheirMessage[];
}

export interface TheirNode {
  step(message: TheirMessage): unknown;
  tick(): void;
  campaign(): unknown;
  /** @returns an error, or nothing. */
  propose(data: string): unknown;
  proposeConfChange(change: unknown): unknown;
  applyConfChange(change: unknown): ConfState;
  ready(): TheirReady;
  hasReady(): boolean;
  advance(ready: TheirReady): void;
  transferLeader(to: string): void;
  reportSnapshot(to: string, status: number): void;
  basicStatus(): {
    readonly softState: { readonly lead: string; readonly raftState: number };
    readonly hardState: { readonly term: number; readonly commit: number };
  };
}

export interface TheirStorage {
  Term(index: number): readonly [number, unknown];
  LastIndex(): readonly [number, unknown];
  ApplySnapshot(snapshot: unknown): unknown;
  SetHardState(state: unknown): unknown;
  Append(entries: readonly TheirEntry[]): unknown;
  CreateSnapshot(index: number, state: ConfState, data: readonly string[]): readonly [TheirSnapshot, unknown];
  Compact(index: number): unknown;
  Snapshot(): readonly [TheirSnapshot, unknown];
}

export interface TheirPackage {
  readonly RawNode: { NewRawNode(config: unknown): TheirNode };
  readonly MemoryStorage: { NewMemoryStorage(): TheirStorage };
  readonly RaftConfig: new (options: object) => unknown;
  readonly Snapshot: new (options: object) => unknown;
  readonly SnapshotMetadata: new (options: object) => unknown;
  readonly ConfState: new (options: object) => ConfState;
  readonly ConfChange: new (options: object) => unknown;
  readonly ConfChangeType: Readonly<Record<string, number>>;
  readonly EntryType: Readonly<Record<string, number>>;
  readonly MessageType: Readonly<Record<string, number>>;
}

const NAME = "@coaty/consensus.raft";

/** @param folder - Where it is installed. Its log is silenced, and its database, which the core does not need, is left out. */
export function loadTheirPackage(folder: string): TheirPackage {
  const require = createRequire(`${folder}/`);
  leaveOut(require.resolve("sqlite3"));
  const silent = () => undefined;
  require(`${NAME}/ported/logger`).setLogger(
    new Proxy({}, { get: (_, name) => (String(name).startsWith("panic") || String(name).startsWith("fatal") ? fail : silent) }),
  );
  return {
    ...require(`${NAME}/ported/rawnode`),
    ...require(`${NAME}/ported/storage`),
    ...require(`${NAME}/ported/raft`),
    ...require(`${NAME}/ported/raftpb/raft.pb`),
  };
}

function fail(...words: readonly unknown[]): never {
  throw new Error(`theirs gives up: ${words.map(String).join(" ")}`);
}

/** Its native part is not built: nothing may ask for it. */
function leaveOut(path: string): void {
  const module = new Module(path);
  module.loaded = true;
  module.exports = { verbose: () => ({}) };
  Module.createRequire(path).cache[path] = module;
}
