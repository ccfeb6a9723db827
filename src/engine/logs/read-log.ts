import type { FileHandle } from "node:fs/promises";
import { OperationError } from "../../lib/errors.ts";
import type { ContainerLog, LogPin, LogPosition } from "./container-log.ts";
import { type LogEntry, splitLogBlock } from "./cri-line.ts";

const BLOCK_BYTES = 64 * 1024;
/** Where each line costs more than its copy: the event loop gets its turn between two blocks. */
export const SMALL_BLOCK_BYTES = 16 * 1024;
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
  /** Read at once. */
  readonly blockBytes?: number;
  /** Files were dropped before they could be read. Missing: whoever has a pin fails, whoever has none goes on. */
  readonly onGap?: () => void;
  readonly signal: AbortSignal;
}

/** What one read gave. */
export interface LogBlock {
  readonly entries: readonly LogEntry[];
  /** Where each entry begins in the file, from `startBytes`. */
  readonly starts: readonly number[];
  readonly file: number;
  readonly startBytes: number;
  /** Where the next block begins. */
  readonly endBytes: number;
}

/** The log's entries in order, in batches of one block. */
export async function* readLog(log: ContainerLog, options: ReadLogOptions): AsyncGenerator<readonly LogEntry[]> {
  for await (const { entries } of readLogBlocks(log, options)) yield entries;
}

/** The log block by block, from file to file. Nothing is skipped or repeated by a rotation. */
export async function* readLogBlocks(log: ContainerLog, options: ReadLogOptions): AsyncGenerator<LogBlock> {
  const { isFollowing, signal, blockBytes = BLOCK_BYTES } = options;
  const news = new News();
  const unsubscribe = isFollowing ? log.subscribe(() => news.announce()) : () => {};
  const onAbort = () => news.announce();
  signal.addEventListener("abort", onAbort, { once: true });
  let { file, offsetBytes } = options.from;
  if (options.pin !== undefined) options.pin.locate = () => file;
  try {
    while (!signal.aborted) {
      await using handle = new OpenLog(await log.openFile(file));
      let reader = handle.handle === undefined ? undefined : new BlockReader(handle.handle, { offsetBytes, blockBytes });
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
            reader = new BlockReader(late, { offsetBytes, blockBytes });
          }
        }
        const block = await reader?.next();
        if (block !== undefined) {
          if (block.entries.length > 0) yield { file, ...block };
          continue;
        }
        if (file === options.untilFile) return;
        if (isFinal) break;
        if (!isFollowing || isEnded) return;
        await news.wait();
      }
      if (log.oldestFile > file + 1) reportGap(options);
      file = Math.max(file + 1, log.oldestFile);
      offsetBytes = 0;
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}

function reportGap({ onGap, pin }: ReadLogOptions): void {
  if (onGap !== undefined) onGap();
  else if (pin !== undefined) throw new OperationError("unavailable", "the reader fell too far behind");
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
  readonly #blockBytes: number;
  #offsetBytes: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(handle: FileHandle, { offsetBytes, blockBytes }: { readonly offsetBytes: number; readonly blockBytes: number }) {
    this.#handle = handle;
    this.#blockBytes = blockBytes;
    this.#offsetBytes = offsetBytes;
  }

  /** `undefined`: nothing more now. An empty batch: go on. */
  async next(): Promise<Omit<LogBlock, "file"> | undefined> {
    const block = Buffer.allocUnsafe(this.#rest.length + this.#blockBytes);
    this.#rest.copy(block);
    const { bytesRead } = await this.#handle.read(block, this.#rest.length, this.#blockBytes, this.#offsetBytes);
    if (bytesRead === 0) return undefined;
    const startBytes = this.#offsetBytes - this.#rest.length;
    this.#offsetBytes += bytesRead;
    const filled = block.subarray(0, this.#rest.length + bytesRead);
    const { entries, starts, usedBytes } = splitLogBlock(filled);
    this.#rest = filled.subarray(usedBytes);
    if (this.#rest.length > LINE_BYTES_MAX) this.#rest = Buffer.alloc(0);
    return { entries, starts, startBytes, endBytes: startBytes + usedBytes };
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
