import { assert, defined } from "../lib/assert.ts";
import { OperationError } from "../lib/errors.ts";
import type { Disk } from "../ports/disk.ts";
import { encodeMembers } from "./encoding.ts";
import { type PayloadCipher, UNSEALED } from "./payload-cipher.ts";
import { SnapshotFiles, type WrittenSnapshot } from "./snapshot-files.ts";
import type { Entry, HardState, Member, SnapshotMeta } from "./types.ts";
import { type WalBatch, type WalContent, WriteAheadLog } from "./wal.ts";

export interface RaftStorageOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly raftId: number;
  /** Without one what is written is readable by whoever can read the files. */
  readonly cipher?: PayloadCipher;
  readonly segmentBytesMax?: number;
  /** How many snapshots stay beside the newest, as things are when one is published. */
  readonly keepSnapshots?: () => number;
  /** Where the log of a new member begins: its first members at index 0. Ignored when there is a log already. */
  readonly initial: SnapshotMeta;
  /** Makes this the only member of the cluster there was: for one that lost its majority for good. */
  readonly onlyMember?: Member | undefined;
}

/** What a member knew when it ended: the arguments of a new core. */
export interface StoredState {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta;
  readonly baseIndex: number;
  readonly baseTerm: number;
  readonly entries: readonly Entry[];
}

const SEGMENT_BYTES_MAX = 16 * 1024 * 1024;
const NEW_HARD_STATE: HardState = { term: 0, vote: 0, commit: 0 };

/** All that one Raft member keeps: the write-ahead log and the newest snapshot, in one folder. */
export class RaftStorage implements AsyncDisposable {
  readonly #wal: WriteAheadLog;
  readonly #snapshots: SnapshotFiles;
  readonly #cipher: PayloadCipher | undefined;
  readonly initialState: StoredState;

  private constructor(
    {
      wal,
      snapshots,
      cipher,
    }: Pick<RaftStorageOptions, "cipher"> & {
      readonly wal: WriteAheadLog;
      readonly snapshots: SnapshotFiles;
    },
    initialState: StoredState,
  ) {
    this.#wal = wal;
    this.#snapshots = snapshots;
    this.#cipher = cipher;
    this.initialState = initialState;
  }

  static async open(options: RaftStorageOptions): Promise<RaftStorage> {
    const { disk, directory, raftId, cipher, initial, segmentBytesMax = SEGMENT_BYTES_MAX, keepSnapshots } = options;
    await disk.makeDirectory(directory);
    const snapshots = await SnapshotFiles.open({ disk, directory, cipher, ...(keepSnapshots && { keepOlder: keepSnapshots }) });
    const { wal, content } = await WriteAheadLog.open({ disk, directory, raftId, cipher, segmentBytesMax });
    const parts = { wal, snapshots, ...(cipher && { cipher }) };
    const snapshot = snapshots.newest?.meta;
    // The base is the first record: without it the first start was cut short.
    if (content === undefined || (snapshot === undefined && content.base === undefined && content.entries.length === 0)) {
      if (snapshot !== undefined) throw new OperationError("internal", `${directory} holds a raft snapshot and no raft log`);
      await wal.startOver(initial, NEW_HARD_STATE);
      return new RaftStorage(parts, { ...emptyAfter(initial), hardState: NEW_HARD_STATE });
    }
    const stored = storedState(content, snapshot, directory);
    // A crash came between the leader's snapshot and the log's new beginning.
    if (stored.baseIndex === snapshot?.index && stored.entries.length === 0) await wal.startOver(snapshot, stored.hardState);
    if (options.onlyMember === undefined) return new RaftStorage(parts, stored);
    const batch = asOnlyMember(stored, options.onlyMember);
    await wal.write(batch);
    const entries = [...stored.entries, ...batch.entries];
    return new RaftStorage(parts, { ...stored, hardState: batch.hardState, entries });
  }

  /** What a member that begins with a state made elsewhere finds when it opens the directory, which is empty so far. */
  static async begin(
    { disk, directory, raftId, cipher, segmentBytesMax = SEGMENT_BYTES_MAX }: Omit<RaftStorageOptions, "initial" | "onlyMember">,
    { meta, chunks }: { readonly meta: SnapshotMeta; readonly chunks: AsyncIterable<Uint8Array> },
  ): Promise<void> {
    await disk.makeDirectory(directory);
    const snapshots = await SnapshotFiles.open({ disk, directory, cipher });
    const { wal, content } = await WriteAheadLog.open({ disk, directory, raftId, cipher, segmentBytesMax });
    await using _ = wal;
    assert(content === undefined && snapshots.newest === undefined, `${directory} holds a log already`);
    await snapshots.publish(await snapshots.write(meta, chunks));
    await wal.startOver(meta, { term: meta.term, vote: 0, commit: meta.index });
  }

  get snapshot(): WrittenSnapshot | undefined {
    return this.#snapshots.newest;
  }

  /** The oldest key that is needed to read what is there: smaller than the cipher's until everything has been written anew. */
  get oldestKeyId(): number {
    return Math.min(this.#wal.oldestKeyId, this.#snapshots.oldestKeyId);
  }

  /** The key that seals what is written now. */
  get keyId(): number {
    return this.#cipher?.keyId ?? UNSEALED;
  }

  get isRekeyDue(): boolean {
    return this.oldestKeyId < this.keyId;
  }

  get isRollDue(): boolean {
    return this.#wal.isRollDue;
  }

  /** The log goes on in a segment under the cipher's newest key, when it is not in one. Not beside a save. */
  async roll(): Promise<void> {
    await this.#wal.roll();
  }

  /** Durable when it resolves; everything in one write and one sync. */
  async save(batch: WalBatch): Promise<void> {
    await this.#wal.write(batch);
  }

  /** Writes a snapshot's chunks; it counts once it is published or installed. */
  async writeSnapshot(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<WrittenSnapshot> {
    return await this.#snapshots.write(meta, chunks);
  }

  async discardSnapshot(snapshot: WrittenSnapshot): Promise<void> {
    await this.#snapshots.discard(snapshot);
  }

  /** A snapshot of this member's own applied state. The log up to `compactTo` may go. @returns false when a newer one is there. */
  async publishSnapshot(snapshot: WrittenSnapshot, { compactTo }: { readonly compactTo: number }): Promise<boolean> {
    let isNewest: boolean;
    try {
      isNewest = await this.#snapshots.publish(snapshot);
    } catch (error) {
      await this.#snapshots.discard(snapshot);
      throw error;
    }
    const newest = defined(this.#snapshots.newest, "a published snapshot");
    // What is sealed with an older key goes, however little a follower is behind: it gets the snapshot.
    if (this.#wal.oldestKeyId < newest.keyId) await this.#wal.compactTo(newest.meta.index);
    else if (isNewest) await this.#wal.compactTo(compactTo);
    return isNewest;
  }

  /** The leader's snapshot takes the place of the log, which then goes on with `batch`. */
  async installSnapshot(snapshot: WrittenSnapshot, { hardState, entries }: WalBatch): Promise<void> {
    const state = defined(hardState, "hard state beside a snapshot");
    // Published already: the attempt before found no room for the log's new beginning.
    const isNewest = this.#snapshots.newest === snapshot || (await this.#snapshots.publish(snapshot));
    assert(isNewest, "an installed snapshot is ahead of all that was applied here");
    // The entries behind the commit index come in a write of their own, so the commit index may not run ahead of them.
    await this.#wal.startOver(snapshot.meta, { ...state, commit: snapshot.meta.index });
    if (entries.length > 0) await this.#wal.write({ hardState: state, entries });
  }

  readSnapshot(snapshot: WrittenSnapshot): AsyncIterable<Uint8Array> {
    return this.#snapshots.read(snapshot);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wal[Symbol.asyncDispose]();
  }
}

/** All of the log counts as committed, since nobody is left to say what was; the member list behind it names this one alone. */
function asOnlyMember(
  { hardState, baseIndex, entries }: StoredState,
  member: Member,
): WalBatch & { readonly hardState: HardState } {
  const index = baseIndex + entries.length + 1;
  const term = hardState.term + 1;
  return {
    hardState: { term, vote: 0, commit: index },
    entries: [{ index, term, kind: "membership", data: encodeMembers([member]) }],
  };
}

type LogPart = Omit<StoredState, "hardState">;

function emptyAfter(snapshot: SnapshotMeta): LogPart {
  return { snapshot, baseIndex: snapshot.index, baseTerm: snapshot.term, entries: [] };
}

/** Fits the log and the newest snapshot together. */
function storedState(
  { hardState, base, entries }: WalContent,
  snapshot: SnapshotMeta | undefined,
  directory: string,
): StoredState {
  const log = snapshot === undefined ? fromBase(base, entries, directory) : fromSnapshot(snapshot, base, entries, directory);
  const lastIndex = log.baseIndex + log.entries.length;
  if (hardState.commit > lastIndex) {
    throw new OperationError(
      "internal",
      `the raft log in ${directory} ends at ${lastIndex}, before the committed entry ${hardState.commit}`,
    );
  }
  // A crash may leave the snapshot of a term that was not noted yet. No vote was sent in that term.
  const isTermNews = log.snapshot.term > hardState.term;
  return { ...log, hardState: isTermNews ? { ...hardState, term: log.snapshot.term, vote: 0 } : hardState };
}

function fromBase(base: SnapshotMeta | undefined, entries: readonly Entry[], directory: string): LogPart {
  if (base === undefined || base.index > 0) {
    throw new OperationError("internal", `the snapshot that the raft log in ${directory} relies on is missing`);
  }
  return { ...emptyAfter(base), entries };
}

function fromSnapshot(
  snapshot: SnapshotMeta,
  base: SnapshotMeta | undefined,
  entries: readonly Entry[],
  directory: string,
): LogPart {
  const [first] = entries;
  // Without its beginning the log's first entry serves to tell the term before the second.
  const begin = base ?? (first?.index === snapshot.index + 1 ? snapshot : first);
  if (begin === undefined) return emptyAfter(snapshot);
  if (begin.index > snapshot.index) {
    throw new OperationError(
      "internal",
      `the raft log in ${directory} begins at ${begin.index}, after the snapshot ${snapshot.index}`,
    );
  }
  const rest = begin === first ? entries.slice(1) : entries;
  const last = begin.index + rest.length;
  assert(rest.length === 0 || rest[0]?.index === begin.index + 1, "the log is contiguous");
  const termAtSnapshot = snapshot.index === begin.index ? begin.term : rest[snapshot.index - begin.index - 1]?.term;
  if (last < snapshot.index || termAtSnapshot !== snapshot.term) return emptyAfter(snapshot);
  return { snapshot, baseIndex: begin.index, baseTerm: begin.term, entries: rest };
}
