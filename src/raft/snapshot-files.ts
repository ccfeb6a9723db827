import { OperationError } from "../lib/errors.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { readSnapshotMeta, writeSnapshotMeta } from "./encoding.ts";
import { encodeFrame, scanFrames } from "./frames.ts";
import { type PayloadCipher, UNSEALED } from "./payload-cipher.ts";
import { Serial } from "./serial.ts";
import type { SnapshotMeta } from "./types.ts";

export interface SnapshotFilesOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly cipher: PayloadCipher | undefined;
  /** How many stay beside the newest. Missing: none. */
  readonly keepOlder?: () => number;
}

/** A snapshot's chunks on disk. Until it is published it does not count and is removed at the next start. */
export interface WrittenSnapshot {
  readonly name: string;
  readonly meta: SnapshotMeta;
  readonly partCount: number;
  readonly chunkCount: number;
  /** The oldest key that its chunks are sealed with. */
  readonly keyId: number;
}

/** The first byte of a manifest's record: of a snapshot that everybody can read, and of one whose manifest (behind this byte) and chunks are sealed. */
const FORMAT_VERSION = { plain: 1, sealed: 2 } as const;
/** A part file is read whole, so it stays small enough for memory and large enough to need few syncs. */
const PART_BYTES_MAX = 4 * 1024 * 1024;
const FILE_NAME = /^(snapshot-\d{16}-(\d{8}))\.(manifest|part-\d{6})$/;

function partName(name: string, part: number): string {
  return `${name}.part-${String(part).padStart(6, "0")}`;
}

/** Snapshots beside the log: parts of checksummed chunks, and a manifest written last, whose presence makes the snapshot count. */
export class SnapshotFiles {
  readonly #options: SnapshotFilesOptions;
  #serial = 0;
  #newest: WrittenSnapshot | undefined;
  /** Published before it and kept, the newest of them first. */
  #older: readonly WrittenSnapshot[] = [];
  /** Snapshots being read, which stay until they are read to the end. */
  readonly #readers = new Map<string, number>();
  readonly #obsolete = new Map<string, WrittenSnapshot>();
  /** Keys of those that are being written, are not published yet, or are being removed. */
  readonly #unsettled = new Map<string, number>();
  readonly #publications = new Serial();

  private constructor(options: SnapshotFilesOptions) {
    this.#options = options;
  }

  /** Finds the published snapshots and removes what a crash left of others. How many are to stay is known when the next is published. */
  static async open(options: SnapshotFilesOptions): Promise<SnapshotFiles> {
    const files = new SnapshotFiles(options);
    const found = (await options.disk.list(options.directory)).map(file => FILE_NAME.exec(file)).filter(match => match !== null);
    for (const [file, , serial, suffix] of found) {
      files.#serial = Math.max(files.#serial, Number(serial));
      if (suffix !== "manifest") continue;
      files.#older = [...files.#older, await files.#readManifest(file)];
    }
    const [newest, ...older] = files.#older.toSorted((one, other) => (isNewer(one, other) ? -1 : 1));
    files.#newest = newest;
    // What is sealed with an older key may outlive that key.
    files.#older = older.filter(({ keyId }) => keyId === newest?.keyId);
    const kept = new Set([newest, ...files.#older].map(snapshot => snapshot?.name));
    await files.#remove(found.filter(([, name]) => !kept.has(name)).map(([file]) => file));
    return files;
  }

  get newest(): WrittenSnapshot | undefined {
    return this.#newest;
  }

  #path(file: string): string {
    return `${this.#options.directory}/${file}`;
  }

  #damaged(file: string, offset: number): OperationError {
    return new OperationError("internal", `raft snapshot ${this.#path(file)} is damaged at byte ${offset}`);
  }

  async #readManifest(file: string): Promise<WrittenSnapshot> {
    const [payload, ...rest] = await this.#readFrames(file);
    if (payload === undefined || rest.length > 0) throw this.#damaged(file, 0);
    const [version] = payload;
    const isSealed = version === FORMAT_VERSION.sealed;
    if (!isSealed && version !== FORMAT_VERSION.plain) {
      throw new OperationError("internal", `${this.#path(file)} has unknown version ${version}`);
    }
    const reader = new ByteReader(isSealed ? this.#opened(file, payload.subarray(1)) : payload.subarray(1));
    const name = file.slice(0, -".manifest".length);
    const content = { meta: readSnapshotMeta(reader), partCount: reader.uint(), chunkCount: reader.uint() };
    return { name, ...content, keyId: isSealed ? reader.uint() : UNSEALED };
  }

  #opened(file: string, sealed: Uint8Array): Uint8Array {
    const { cipher } = this.#options;
    if (cipher === undefined) throw new OperationError("internal", `${this.#path(file)} is encrypted: a key is needed`);
    return cipher.open(sealed);
  }

  async #readFrames(file: string): Promise<readonly Uint8Array[]> {
    const { disk } = this.#options;
    const bytes = await disk.read(this.#path(file));
    if (bytes === undefined) throw new OperationError("internal", `raft snapshot file ${this.#path(file)} is missing`);
    const { frames, end } = scanFrames(bytes, 0);
    if (end !== bytes.length) throw this.#damaged(file, end);
    return frames.map(({ payload }) => payload);
  }

  #sealed(plain: Uint8Array): Uint8Array {
    return this.#options.cipher?.seal(plain) ?? plain;
  }

  get #keyId(): number {
    return this.#options.cipher?.keyId ?? UNSEALED;
  }

  /** The oldest key that is needed to read what is there. */
  get oldestKeyId(): number {
    const published = this.#newest === undefined ? [] : [this.#newest, ...this.#older];
    const kept = [...published, ...this.#obsolete.values()].map(({ keyId }) => keyId);
    return Math.min(this.#keyId, ...kept, ...this.#unsettled.values());
  }

  /** Writes the chunks durably, in parts. On failure nothing is left. */
  async write(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<WrittenSnapshot> {
    const { disk, directory } = this.#options;
    this.#serial += 1;
    const name = `snapshot-${String(meta.index).padStart(16, "0")}-${String(this.#serial).padStart(8, "0")}`;
    const keyId = this.#keyId; // Before anything is sealed: keys only go up.
    this.#unsettled.set(name, keyId);
    let partCount = 0;
    let chunkCount = 0;
    let file: DiskFile | undefined;
    const closePart = async () => {
      await file?.sync();
      await file?.[Symbol.asyncDispose]();
      file = undefined;
    };
    try {
      for await (const chunk of chunks) {
        file ??= await disk.openAppend(this.#path(partName(name, ++partCount)));
        chunkCount += 1;
        if ((await file.append(encodeFrame(this.#sealed(chunk)))) >= PART_BYTES_MAX) await closePart();
      }
      await closePart();
      await disk.syncDirectory(directory);
    } catch (error) {
      await file?.[Symbol.asyncDispose]();
      await this.discard({ name, meta, partCount, chunkCount, keyId });
      throw error;
    }
    return { name, meta, partCount, chunkCount, keyId };
  }

  /** From here on it is the newest snapshot, also after a crash; those before go, but for as many as are kept. @returns false when there is a newer one: then it goes itself. */
  async publish(snapshot: WrittenSnapshot): Promise<boolean> {
    return await this.#publications.run(() => this.#publish(snapshot));
  }

  async #publish(snapshot: WrittenSnapshot): Promise<boolean> {
    if (this.#newest !== undefined && !isNewer(snapshot, this.#newest)) {
      await this.discard(snapshot);
      return false;
    }
    await this.#options.disk.replace(this.#path(`${snapshot.name}.manifest`), encodeFrame(this.#manifest(snapshot)));
    const previous = this.#newest;
    this.#newest = snapshot;
    this.#unsettled.delete(snapshot.name);
    if (previous !== undefined) await this.#retireOlder([previous, ...this.#older], { keyId: snapshot.keyId });
    return true;
  }

  /** A new key makes those that are sealed with another superfluous. */
  async #retireOlder(older: readonly WrittenSnapshot[], { keyId }: { readonly keyId: number }): Promise<void> {
    const count = this.#options.keepOlder?.() ?? 0;
    this.#older = older.slice(0, count).filter(snapshot => snapshot.keyId === keyId);
    for (const snapshot of older) if (!this.#older.includes(snapshot)) await this.#retire(snapshot);
  }

  #manifest({ meta, partCount, chunkCount, keyId }: WrittenSnapshot): Uint8Array {
    const writer = new ByteWriter();
    writeSnapshotMeta(writer, meta);
    writer.uint(partCount).uint(chunkCount);
    if (this.#options.cipher === undefined) return Buffer.concat([Uint8Array.of(FORMAT_VERSION.plain), writer.finish()]);
    return Buffer.concat([Uint8Array.of(FORMAT_VERSION.sealed), this.#sealed(writer.uint(keyId).finish())]);
  }

  async #retire(snapshot: WrittenSnapshot): Promise<void> {
    if (this.#readers.has(snapshot.name)) this.#obsolete.set(snapshot.name, snapshot);
    else await this.discard(snapshot);
  }

  /** The manifest goes first: without it the parts are leftovers. */
  async discard({ name, partCount, keyId }: WrittenSnapshot): Promise<void> {
    this.#unsettled.set(name, keyId);
    const parts = Array.from({ length: partCount }, (_, at) => partName(name, at + 1));
    await this.#remove([`${name}.manifest`, ...parts]);
    this.#unsettled.delete(name);
  }

  async #remove(files: readonly string[]): Promise<void> {
    const { disk, directory } = this.#options;
    for (const file of files) await disk.remove(this.#path(file));
    if (files.length > 0) await disk.syncDirectory(directory);
  }

  /** The chunks in order, each as it was written. The files stay until the reader is done, even when a newer snapshot comes. */
  async *read(snapshot: WrittenSnapshot): AsyncGenerator<Uint8Array> {
    const { name, partCount, chunkCount } = snapshot;
    this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1);
    try {
      let count = 0;
      for (let part = 1; part <= partCount; part++) {
        const file = partName(name, part);
        const chunks = await this.#readFrames(file);
        count += chunks.length;
        for (const chunk of chunks) yield snapshot.keyId === UNSEALED ? chunk : this.#opened(file, chunk);
      }
      if (count !== chunkCount) throw this.#damaged(partName(name, partCount), 0);
    } finally {
      await this.#release(name);
    }
  }

  async #release(name: string): Promise<void> {
    const readers = (this.#readers.get(name) ?? 1) - 1;
    if (readers > 0) {
      this.#readers.set(name, readers);
      return;
    }
    this.#readers.delete(name);
    const obsolete = this.#obsolete.get(name);
    if (obsolete === undefined) return;
    this.#obsolete.delete(name);
    await this.discard(obsolete);
  }
}

/** Of the same state, the one that is sealed with a newer key counts. */
function isNewer({ meta, keyId }: WrittenSnapshot, than: WrittenSnapshot): boolean {
  return meta.index > than.meta.index || (meta.index === than.meta.index && keyId > than.keyId);
}
