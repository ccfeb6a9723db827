import { OperationError } from "../lib/errors.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { readSnapshotMeta, writeSnapshotMeta } from "./encoding.ts";
import { encodeFrame, scanFrames } from "./frames.ts";
import { Serial } from "./serial.ts";
import type { SnapshotMeta } from "./types.ts";
import type { PayloadCipher } from "./wal.ts";

export interface SnapshotFilesOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly cipher: PayloadCipher | undefined;
}

/** A snapshot's chunks on disk. Until it is published it does not count and is removed at the next start. */
export interface WrittenSnapshot {
  readonly name: string;
  readonly meta: SnapshotMeta;
  readonly partCount: number;
  readonly chunkCount: number;
}

const FORMAT_VERSION = 1;
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
  /** Snapshots being read, which stay until they are read to the end. */
  readonly #readers = new Map<string, number>();
  readonly #obsolete = new Map<string, WrittenSnapshot>();
  readonly #publications = new Serial();

  private constructor(options: SnapshotFilesOptions) {
    this.#options = options;
  }

  /** Finds the newest published snapshot and removes what a crash left of others. */
  static async open(options: SnapshotFilesOptions): Promise<SnapshotFiles> {
    const files = new SnapshotFiles(options);
    const found = (await options.disk.list(options.directory)).map(file => FILE_NAME.exec(file)).filter(match => match !== null);
    for (const [file, , serial, suffix] of found) {
      files.#serial = Math.max(files.#serial, Number(serial));
      if (suffix !== "manifest") continue;
      const snapshot = await files.#readManifest(file);
      if (files.#newest === undefined || snapshot.meta.index >= files.#newest.meta.index) files.#newest = snapshot;
    }
    const leftovers = found.filter(([, name]) => name !== files.#newest?.name).map(([file]) => file);
    await files.#remove(leftovers);
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
    const reader = new ByteReader(payload);
    const version = reader.byte();
    if (version !== FORMAT_VERSION) throw new OperationError("internal", `${this.#path(file)} has unknown version ${version}`);
    const name = file.slice(0, -".manifest".length);
    return { name, meta: readSnapshotMeta(reader), partCount: reader.uint(), chunkCount: reader.uint() };
  }

  async #readFrames(file: string): Promise<readonly Uint8Array[]> {
    const { disk, cipher } = this.#options;
    const bytes = await disk.read(this.#path(file));
    if (bytes === undefined) throw new OperationError("internal", `raft snapshot file ${this.#path(file)} is missing`);
    const { frames, end } = scanFrames(bytes, 0);
    if (end !== bytes.length) throw this.#damaged(file, end);
    return frames.map(({ payload }) => (cipher === undefined ? payload : cipher.open(payload)));
  }

  #frame(plain: Uint8Array): Uint8Array {
    const { cipher } = this.#options;
    return encodeFrame(cipher === undefined ? plain : cipher.seal(plain));
  }

  /** Writes the chunks durably, in parts. On failure nothing is left. */
  async write(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<WrittenSnapshot> {
    const { disk, directory } = this.#options;
    this.#serial += 1;
    const name = `snapshot-${String(meta.index).padStart(16, "0")}-${String(this.#serial).padStart(8, "0")}`;
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
        if ((await file.append(this.#frame(chunk))) >= PART_BYTES_MAX) await closePart();
      }
      await closePart();
      await disk.syncDirectory(directory);
    } catch (error) {
      await file?.[Symbol.asyncDispose]();
      await this.discard({ name, meta, partCount, chunkCount });
      throw error;
    }
    return { name, meta, partCount, chunkCount };
  }

  /** From here on it is the newest snapshot, also after a crash; the one before goes. @returns false when there is a newer one: then it goes itself. */
  async publish(snapshot: WrittenSnapshot): Promise<boolean> {
    return await this.#publications.run(() => this.#publish(snapshot));
  }

  async #publish(snapshot: WrittenSnapshot): Promise<boolean> {
    if (this.#newest !== undefined && this.#newest.meta.index >= snapshot.meta.index) {
      await this.discard(snapshot);
      return false;
    }
    const writer = new ByteWriter().byte(FORMAT_VERSION);
    writeSnapshotMeta(writer, snapshot.meta);
    writer.uint(snapshot.partCount).uint(snapshot.chunkCount);
    await this.#options.disk.replace(this.#path(`${snapshot.name}.manifest`), this.#frame(writer.finish()));
    const previous = this.#newest;
    this.#newest = snapshot;
    if (previous !== undefined) await this.#retire(previous);
    return true;
  }

  async #retire(snapshot: WrittenSnapshot): Promise<void> {
    if (this.#readers.has(snapshot.name)) this.#obsolete.set(snapshot.name, snapshot);
    else await this.discard(snapshot);
  }

  /** The manifest goes first: without it the parts are leftovers. */
  async discard({ name, partCount }: WrittenSnapshot): Promise<void> {
    const parts = Array.from({ length: partCount }, (_, at) => partName(name, at + 1));
    await this.#remove([`${name}.manifest`, ...parts]);
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
        const chunks = await this.#readFrames(partName(name, part));
        count += chunks.length;
        yield* chunks;
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
