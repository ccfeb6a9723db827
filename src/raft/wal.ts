import { assert, defined } from "../lib/assert.ts";
import { errorMessage, OperationError } from "../lib/errors.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { isDiskFull } from "./disk-health.ts";
import {
  entriesSizeHint,
  readEntries,
  readHardState,
  readSnapshotMeta,
  writeEntries,
  writeHardState,
  writeSnapshotMeta,
} from "./encoding.ts";
import { encodeFrame, scanFrames } from "./frames.ts";
import { type PayloadCipher, UNSEALED } from "./payload-cipher.ts";
import { Serial } from "./serial.ts";
import type { Entry, HardState, SnapshotMeta } from "./types.ts";

export interface WalOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly raftId: number;
  readonly cipher: PayloadCipher | undefined;
  /** A segment that is larger is closed and the next one begun. */
  readonly segmentBytesMax: number;
}

/** What the log holds, replayed. `base`: what the log begins after, unless that record is compacted away. */
export interface WalContent {
  readonly hardState: HardState;
  readonly base: SnapshotMeta | undefined;
  readonly entries: readonly Entry[];
}

export interface WalBatch {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
}

interface Segment {
  readonly name: string;
  readonly sequence: number;
  /** The highest entry in it; 0 without entries. */
  lastIndex: number;
  /** The oldest key that its records are sealed with. */
  readonly keyId: number;
}

/** "SHOALRL", and behind it the version. */
const MAGIC = Uint8Array.of(0x53, 0x48, 0x4f, 0x41, 0x4c, 0x52, 0x4c);
const MAGIC_BYTES = MAGIC.length + 1;
/** Of a segment whose records are readable by everybody, and of one whose records are sealed. */
const FORMAT_VERSION = { plain: 1, sealed: 2 } as const;
const RECORD = { header: 1, batch: 2, base: 3 } as const;
/** A segment's file grows in such steps, ahead of what is written: a sync need not note a new size then. */
const AHEAD_BYTES = 128 * 1024;
const SEGMENT_NAME = /^log-(\d{16})$/;
const NEW_HARD_STATE: HardState = { term: 0, vote: 0, commit: 0 };

function segmentName(sequence: number): string {
  return `log-${String(sequence).padStart(16, "0")}`;
}

/**
 * The write-ahead log: numbered segment files of checksummed frames, one frame a write. A later entry with an index that is already
 * there replaces it and all after it.
 *
 * A cut frame at the very end of the last segment is what a crash leaves, was never acknowledged, and is removed. So are zeros behind
 * the last frame, which were to be written over. Any other damage is refused with file and offset.
 */
export class WriteAheadLog implements AsyncDisposable {
  readonly #options: WalOptions;
  readonly #segments: Segment[] = [];
  /** Those that are being removed. */
  readonly #leaving = new Set<Segment>();
  #hardState = NEW_HARD_STATE;
  #base: SnapshotMeta | undefined;
  #entries: Entry[] = [];
  #file: DiskFile | undefined;
  #fileBytes = 0;
  readonly #removals = new Serial();

  private constructor(options: WalOptions) {
    this.#options = options;
  }

  /** `content` is undefined when nothing was ever written. */
  static async open(options: WalOptions): Promise<{ readonly wal: WriteAheadLog; readonly content: WalContent | undefined }> {
    const wal = new WriteAheadLog(options);
    const names = (await options.disk.list(options.directory)).filter(name => SEGMENT_NAME.test(name));
    for (const [at, name] of names.entries()) await wal.#replay(name, { isLast: at === names.length - 1 });
    // What an earlier process had written and not synced counts from here on: it must outlive a power loss, its file's name too.
    if (names.length > 0) {
      await options.disk.syncDirectory(options.directory);
      await wal.#file?.sync();
    }
    const content = { hardState: wal.#hardState, base: wal.#base, entries: wal.#entries };
    wal.#entries = [];
    return { wal, content: wal.#segments.length === 0 ? undefined : content };
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  #path(name: string): string {
    return `${this.#options.directory}/${name}`;
  }

  #damaged(name: string, offset: number, what: string): OperationError {
    return new OperationError("internal", `raft log ${this.#path(name)} is damaged at byte ${offset}: ${what}`);
  }

  async #replay(name: string, { isLast }: { readonly isLast: boolean }): Promise<void> {
    const { disk } = this.#options;
    const bytes = defined(await disk.read(this.#path(name)), name);
    const sequence = Number(SEGMENT_NAME.exec(name)?.[1]);
    const previous = this.#segments.at(-1);
    if (previous !== undefined && sequence !== previous.sequence + 1) {
      throw this.#damaged(previous.name, 0, `the segment after it is missing, ${name} comes next`);
    }
    const scan = scanFrames(bytes, MAGIC_BYTES);
    const isComplete = scan.isBlankBeyond && scan.frames.length > 0;
    if (!isComplete && (!isLast || scan.hasMoreBeyond)) throw this.#damaged(name, scan.end, "a record fails its checksum");
    const [first] = scan.frames;
    if (first === undefined) {
      await disk.remove(this.#path(name)); // Cut while it was being begun.
      await disk.syncDirectory(this.#options.directory);
      return;
    }
    const segment = { name, sequence, lastIndex: 0, keyId: this.#keyIdOf(name, bytes, first.payload) };
    this.#segments.push(segment);
    for (const { offset, payload } of scan.frames) this.#replayRecord(segment, offset, payload);
    if (!isLast) return;
    this.#file = await this.#openSegment(name);
    this.#fileBytes = scan.end;
    if (scan.end === bytes.length) return;
    await this.#file.truncate(scan.end);
    await this.#file.sync();
  }

  #openSegment(name: string): Promise<DiskFile> {
    return this.#options.disk.openAppend(this.#path(name), { aheadBytes: AHEAD_BYTES, syncsAppends: true });
  }

  #keyIdOf(name: string, bytes: Uint8Array, first: Uint8Array): number {
    const { cipher } = this.#options;
    const version = bytes[MAGIC.length];
    const isKnown = version === FORMAT_VERSION.plain || version === FORMAT_VERSION.sealed;
    if (!isKnown || !MAGIC.every((byte, at) => byte === bytes[at])) throw this.#damaged(name, 0, "unknown format or version");
    if (version === FORMAT_VERSION.plain) return UNSEALED;
    if (cipher === undefined) throw new OperationError("internal", `raft log ${this.#path(name)} is encrypted: a key is needed`);
    return cipher.keyIdOf(first);
  }

  #replayRecord(segment: Segment, offset: number, payload: Uint8Array): void {
    const { cipher, raftId } = this.#options;
    try {
      const reader = new ByteReader(segment.keyId === UNSEALED || cipher === undefined ? payload : cipher.open(payload));
      const kind = reader.byte();
      if (kind === RECORD.header) {
        const owner = reader.uint();
        if (owner !== raftId) throw new OperationError("invalid", `it belongs to raft member ${owner}, not ${raftId}`);
        this.#hardState = readHardState(reader);
      } else if (kind === RECORD.batch) {
        if (reader.flag()) this.#hardState = readHardState(reader);
        this.#replayEntries(segment, readEntries(reader));
      } else if (kind === RECORD.base) {
        this.#base = readSnapshotMeta(reader);
        this.#entries = [];
      } else throw new OperationError("invalid", `unknown record ${kind}`);
      reader.end();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new OperationError("internal", this.#damaged(segment.name, offset, error.message).message, { cause: error });
    }
  }

  #replayEntries(segment: Segment, entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    const held = this.#entries;
    const begin = held[0]?.index ?? (this.#base === undefined ? first.index : this.#base.index + 1);
    // In a log whose beginning is compacted away, what was replaced may be all that is left in front of its replacement.
    const at = this.#base === undefined ? Math.max(0, first.index - begin) : first.index - begin;
    if (at < 0 || at > held.length) throw new OperationError("invalid", `entry ${first.index} does not follow what is before it`);
    held.length = at;
    for (const entry of entries) held.push(entry);
    segment.lastIndex = Math.max(segment.lastIndex, first.index + entries.length - 1);
  }

  /** Durable when it resolves. All of it is one frame, so after a crash all of it is there or nothing. */
  async write({ hardState, entries }: WalBatch): Promise<void> {
    const writer = new ByteWriter(entriesSizeHint(entries)).byte(RECORD.batch).flag(hardState !== undefined);
    if (hardState !== undefined) writeHardState(writer, hardState);
    writeEntries(writer, entries);
    const isFull = this.#fileBytes >= this.#options.segmentBytesMax;
    if (this.#file === undefined || isFull || this.isRollDue) await this.#beginSegment([]);
    await this.#append(this.#frame(writer));
    // Not earlier: a new segment's header may not tell of a commit whose entries come behind it.
    if (hardState !== undefined) this.#hardState = hardState;
    const segment = defined(this.#segments.at(-1), "segment");
    segment.lastIndex = Math.max(segment.lastIndex, entries.at(-1)?.index ?? 0);
  }

  /** What comes next is to be sealed with another key than what the last segment holds. */
  get isRollDue(): boolean {
    return this.#segments.at(-1)?.keyId !== this.#keyId;
  }

  /** Begins a segment under the cipher's key, so that those before it can go. Not beside a write. */
  async roll(): Promise<void> {
    if (this.isRollDue) await this.#beginSegment([]);
  }

  /** The oldest key that is needed to read the log, also after a crash now. */
  get oldestKeyId(): number {
    // Keys only go up, so the oldest segment has the oldest.
    for (const { keyId } of this.#leaving) return Math.min(this.#keyId, keyId);
    return Math.min(this.#keyId, this.#segments[0]?.keyId ?? this.#keyId);
  }

  get #keyId(): number {
    return this.#options.cipher?.keyId ?? UNSEALED;
  }

  /** Starts the log over after `base`: at bootstrap, and when the leader's snapshot takes the log's place. */
  async startOver(base: SnapshotMeta, hardState: HardState): Promise<void> {
    this.#hardState = hardState;
    const writer = new ByteWriter().byte(RECORD.base);
    writeSnapshotMeta(writer, base);
    await this.#beginSegment([writer]);
    await this.#removeSegments(this.#segments.length - 1);
  }

  /** Removes the segments that hold nothing after `index`, which must be in a durable snapshot. */
  async compactTo(index: number): Promise<void> {
    const count = this.#segments.findIndex(segment => segment.lastIndex > index);
    await this.#removeSegments(count < 0 ? this.#segments.length - 1 : Math.min(count, this.#segments.length - 1));
  }

  async #removeSegments(count: number): Promise<void> {
    if (count <= 0) return;
    const { disk, directory } = this.#options;
    const gone = this.#segments.splice(0, count);
    for (const segment of gone) this.#leaving.add(segment);
    // Oldest first, each durably: a gap would look like damage.
    await this.#removals.run(async () => {
      for (const segment of gone) {
        await disk.remove(this.#path(segment.name));
        await disk.syncDirectory(directory);
        this.#leaving.delete(segment);
      }
    });
  }

  #frame(writer: ByteWriter): Uint8Array {
    const plain = writer.finish();
    return encodeFrame(this.#options.cipher?.seal(plain) ?? plain);
  }

  /** A write that found no room leaves nothing behind, so that it can be tried again. A sync that failed may have lost anything: no second try. */
  async #append(bytes: Uint8Array): Promise<void> {
    const file = defined(this.#file, "open segment");
    try {
      this.#fileBytes = await file.append(bytes);
    } catch (error) {
      if (isDiskFull(error)) await file.truncate(this.#fileBytes);
      throw error;
    }
    await this.#synced(file.sync());
  }

  async #synced(syncing: Promise<void>): Promise<void> {
    const { directory } = this.#options;
    await syncing.catch((error: unknown) => {
      throw new OperationError("internal", `the raft log in ${directory} could not be synced: ${errorMessage(error)}`);
    });
  }

  /** A segment's first frame repeats the hard state, so that the segments before it can go. */
  async #beginSegment(records: readonly ByteWriter[]): Promise<void> {
    const { disk, directory, raftId, cipher } = this.#options;
    await this.#file?.truncate(this.#fileBytes); // Without zeros ahead. Where a crash brings them back, they are read as none.
    await this[Symbol.asyncDispose]();
    const keyId = this.#keyId; // Before anything is sealed: keys only go up.
    const sequence = (this.#segments.at(-1)?.sequence ?? 0) + 1;
    const name = segmentName(sequence);
    const header = new ByteWriter().byte(RECORD.header).uint(raftId);
    writeHardState(header, this.#hardState);
    // One write: whatever a cut one left is cut off before the next attempt.
    this.#file = await this.#openSegment(name);
    await this.#file.truncate(0);
    this.#fileBytes = 0;
    try {
      const version = cipher === undefined ? FORMAT_VERSION.plain : FORMAT_VERSION.sealed;
      const frames = [header, ...records].map(record => this.#frame(record));
      await this.#append(Buffer.concat([MAGIC, Uint8Array.of(version), ...frames]));
      await this.#synced(disk.syncDirectory(directory));
    } catch (error) {
      await this[Symbol.asyncDispose](); // The next write begins the segment anew.
      throw error;
    }
    assert(
      this.#segments.every(segment => segment.sequence < sequence),
      "segments are numbered upwards",
    );
    this.#segments.push({ name, sequence, lastIndex: 0, keyId });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.[Symbol.asyncDispose]();
  }
}
