import { OperationError } from "../lib/errors.ts";
import { decompress } from "./archive/decompress.ts";
import { HelperProcess } from "./archive/helper-process.ts";
import type { ArchiveJob, ArchiveReply } from "./archive/protocol.ts";

export interface UnpackOptions {
  readonly target: string;
  readonly isLayer: boolean;
  readonly bytesMax: number;
  readonly entriesMax: number;
}

export interface Unpacked {
  /** Of the archive as it was unpacked, not compressed: a layer's diff id without its prefix. */
  readonly sha256: string;
  /** All files' lengths together. */
  readonly sizeBytes: number;
  readonly entries: number;
}

const WAITING_MAX = 10_000;

/**
 * Work on trees and archives, in helper programs: one is kept warm, more run while there is work for them.
 * Nothing here blocks the event loop: the helpers write, hash and parse; decompression runs in the libuv pool or a program of the host.
 */
export class Archives implements AsyncDisposable {
  readonly #helpersMax: number;
  readonly #idle: HelperProcess[] = [];
  readonly #running = new Set<HelperProcess>();
  readonly #queue: (() => void)[] = [];
  #isClosed = false;

  private constructor(helpersMax: number) {
    this.#helpersMax = helpersMax;
  }

  static create(options: { readonly helpersMax?: number } = {}): Archives {
    const archives = new Archives(options.helpersMax ?? 2);
    archives.#idle.push(HelperProcess.start());
    return archives;
  }

  /**
   * Unpacks an archive into an existing, empty folder. Nothing is ever written outside of it.
   * @param source - The path of a plain tar, or a stream that is decompressed where it has to be.
   * @throws OperationError `invalid` for a malformed archive, one that climbs out, or one over a limit. The folder's content is then undefined.
   */
  async unpack(source: string | AsyncIterable<Uint8Array>, options: UnpackOptions): Promise<Unpacked> {
    const isPath = typeof source === "string";
    const job: ArchiveJob = { kind: "unpack", ...options, ...(isPath ? { source } : {}) };
    const reply = await this.#run(job, isPath ? undefined : source);
    if (reply.kind !== "unpacked") throw new OperationError("internal", "archive helper: unexpected reply");
    return { sha256: reply.sha256, sizeBytes: reply.sizeBytes, entries: reply.entries };
  }

  /** Gzip, zstd, xz and bzip2 are recognised by their first bytes; everything else passes as it is. */
  decompress(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return decompress(source);
  }

  /** Makes all that was written to the file system of `path` durable. */
  async syncFileSystem(path: string): Promise<void> {
    await this.#run({ kind: "sync", path });
  }

  /** Removes trees of any size. */
  async remove(paths: readonly string[]): Promise<void> {
    if (paths.length > 0) await this.#run({ kind: "remove", paths });
  }

  /** An overlay whose options are longer than the kernel takes, unless folders are named relative to `directory`. */
  async mountOverlay(options: { readonly directory: string; readonly target: string; readonly options: string }): Promise<void> {
    await this.#run({ kind: "mount-overlay", ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#idle.splice(0), ...this.#running].map(helper => helper.stop()));
  }

  async #run(job: ArchiveJob, stream?: AsyncIterable<Uint8Array>): Promise<ArchiveReply> {
    while (this.#running.size >= this.#helpersMax) {
      if (this.#queue.length >= WAITING_MAX) throw new OperationError("unavailable", "too many archive operations are waiting");
      await new Promise<void>(resolve => this.#queue.push(resolve));
    }
    if (this.#isClosed) throw new OperationError("unavailable", "the daemon is shutting down");
    const helper = this.#take();
    this.#running.add(helper);
    try {
      return await helper.run(job, stream);
    } finally {
      this.#running.delete(helper);
      await this.#putBack(helper);
      this.#queue.shift()?.();
    }
  }

  #take(): HelperProcess {
    for (let helper = this.#idle.pop(); helper !== undefined; helper = this.#idle.pop()) if (!helper.isOver) return helper;
    return HelperProcess.start();
  }

  /** One stays warm. */
  async #putBack(helper: HelperProcess): Promise<void> {
    if (this.#isClosed || (this.#idle.length > 0 && !helper.isOver)) await helper.stop();
    else this.#idle.push(helper.isOver ? HelperProcess.start() : helper);
  }
}
