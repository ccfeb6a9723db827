import type { FileHandle } from "node:fs/promises";
import { OperationError } from "../../lib/errors.ts";
import type { ContainerLog, LogPin, LogPosition } from "./container-log.ts";
import { type LogEntry, splitLogBlock } from "./cri-line.ts";

const BLOCK_BYTES = 64 * 1024;
/** A line of the log is at most one read of conmon (8 KiB) and its head; more is not a log. */
const LINE_BYTES_MAX = 1024 * 1024;

export interface ReadLogOptions {
  readonly from: LogPosition;
  /** Goes on until the run is over; otherwise it ends where the log ended when reading reached it. */
  readonly isFollowing: boolean;
  /** Is moved along, so that files still to be read are not dropped. */
  readonly pin?: LogPin;
  /** The last file to read. */
  readonly untilFile?: number;
  readonly signal: AbortSignal;
}

/** The log's entries in order, in batches of one block, from file to file. Nothing is skipped or repeated by a rotation. */
export async function* readLog(log: ContainerLog, options: ReadLogOptions): AsyncGenerator<readonly LogEntry[]> {
  const { isFollowing, signal } = options;
  const news = new News();
  const unsubscribe = isFollowing ? log.subscribe(() => news.announce()) : () => {};
  const onAbort = () => news.announce();
  signal.addEventListener("abort", onAbort, { once: true });
  let { file, offsetBytes } = options.from;
  if (options.pin !== undefined) options.pin.locate = () => file;
  try {
    while (!signal.aborted) {
      await using handle = new OpenLog(await log.openFile(file));
      let reader = handle.handle === undefined ? undefined : new BlockReader(handle.handle, offsetBytes);
      for (;;) {
        if (signal.aborted) return;
        news.clear();
        // Asked before the read: what was true then holds for all that the read did not see.
        const isFinal = log.currentFile > file;
        const isEnded = log.isEnded;
        if (reader === undefined && handle.handle === undefined && !isFinal) {
          const late = await log.openFile(file);
          if (late !== undefined) {
            handle.handle = late;
            reader = new BlockReader(late, offsetBytes);
          }
        }
        const entries = await reader?.next();
        if (entries !== undefined) {
          if (entries.length > 0) yield entries;
          continue;
        }
        if (file === options.untilFile) return;
        if (isFinal) break;
        if (!isFollowing || isEnded) return;
        await news.wait();
      }
      if (log.oldestFile > file + 1 && options.pin !== undefined)
        throw new OperationError("unavailable", "the reader fell too far behind");
      file = Math.max(file + 1, log.oldestFile);
      offsetBytes = 0;
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}

class OpenLog implements AsyncDisposable {
  handle: FileHandle | undefined;

  constructor(handle: FileHandle | undefined) {
    this.handle = handle;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle?.close();
  }
}

class BlockReader {
  readonly #handle: FileHandle;
  #offsetBytes: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(handle: FileHandle, offsetBytes: number) {
    this.#handle = handle;
    this.#offsetBytes = offsetBytes;
  }

  /** `undefined`: nothing more now. An empty batch: go on. */
  async next(): Promise<readonly LogEntry[] | undefined> {
    const block = Buffer.allocUnsafe(this.#rest.length + BLOCK_BYTES);
    this.#rest.copy(block);
    const { bytesRead } = await this.#handle.read(block, this.#rest.length, BLOCK_BYTES, this.#offsetBytes);
    if (bytesRead === 0) return undefined;
    this.#offsetBytes += bytesRead;
    const filled = block.subarray(0, this.#rest.length + bytesRead);
    const { entries, usedBytes } = splitLogBlock(filled);
    this.#rest = filled.subarray(usedBytes);
    if (this.#rest.length > LINE_BYTES_MAX) this.#rest = Buffer.alloc(0);
    return entries;
  }
}

/** Something happened since `clear`. */
class News {
  #isThere = false;
  #wake: () => void = () => {};

  announce(): void {
    this.#isThere = true;
    this.#wake();
  }

  clear(): void {
    this.#isThere = false;
  }

  async wait(): Promise<void> {
    if (this.#isThere) return;
    await new Promise<void>(resolve => (this.#wake = resolve));
  }
}
