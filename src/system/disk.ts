import { constants, type FileHandle, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { errnoCode } from "../lib/errors.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";

/** What is made is for this user alone. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** `replace` writes here first; a crash may leave one behind, which the next replace overwrites and `list` does not show. */
const TEMPORARY_SUFFIX = ".replace~";

/** The real disk. Relative paths are below `root`. */
export function openDisk({ root }: { readonly root: string }): Disk {
  const at = (path: string) => resolve(root, path);
  return {
    async makeDirectory(path) {
      await mkdir(at(path), { recursive: true, mode: FOLDER_MODE });
    },
    async list(path) {
      const names = await unlessMissing(readdir(at(path)));
      return (names ?? []).filter(name => !name.endsWith(TEMPORARY_SUFFIX)).sort();
    },
    async read(path) {
      return await unlessMissing<Uint8Array>(readFile(at(path)));
    },
    async openAppend(path, { aheadBytes = 0, syncsAppends = false } = {}) {
      // Not for appending in the system's sense: that writes behind zeros ahead, wherever it is told to.
      const flags = constants.O_WRONLY | constants.O_CREAT;
      // One way to the thread pool and back instead of two: a quarter of the time where the disk is fast.
      const handle = await open(at(path), syncsAppends ? flags | constants.O_DSYNC : flags, FILE_MODE);
      const { size } = await handle.stat();
      return new AppendFile(handle, { sizeBytes: size, ahead: Buffer.alloc(aheadBytes), syncsAppends });
    },
    async replace(path, content) {
      const target = at(path);
      const temporary = join(dirname(target), `${basename(target)}${TEMPORARY_SUFFIX}`);
      const handle = await open(temporary, "w", FILE_MODE);
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, target);
      await syncDirectory(dirname(target));
    },
    async rename(from, to) {
      await rename(at(from), at(to));
    },
    async remove(path) {
      await rm(at(path), { force: true });
    },
    syncDirectory: path => syncDirectory(at(path)),
  };
}

async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class AppendFile implements DiskFile {
  readonly #handle: FileHandle;
  readonly #ahead: Buffer;
  readonly #syncsAppends: boolean;
  /** What was there before it was opened, or a truncation, is not synced by an append. */
  #isSyncDue = true;
  #sizeBytes: number;
  /** With zeros ahead. */
  #filledBytes: number;
  #closing: Promise<void> | undefined;

  constructor(
    handle: FileHandle,
    { sizeBytes, ahead, syncsAppends }: { readonly sizeBytes: number; readonly ahead: Buffer; readonly syncsAppends: boolean },
  ) {
    this.#handle = handle;
    this.#ahead = ahead;
    this.#syncsAppends = syncsAppends;
    this.#sizeBytes = this.#filledBytes = sizeBytes;
  }

  async append(content: Uint8Array): Promise<number> {
    let done = this.#isGrowing(content) ? await this.#write([content, this.#ahead]) : 0;
    // What does not fit of the zeros is not missed: they only save time.
    while (done < content.length) done += await this.#write([content.subarray(done)], done);
    this.#filledBytes = Math.max(this.#filledBytes, this.#sizeBytes + done);
    this.#sizeBytes += content.length;
    return this.#sizeBytes;
  }

  #isGrowing(content: Uint8Array): boolean {
    return this.#ahead.length > 0 && this.#sizeBytes + content.length > this.#filledBytes;
  }

  /** @returns how much of it was written: all, or less when the disk is about to be full. */
  async #write([first, ...more]: readonly [Uint8Array, ...Uint8Array[]], offset = 0): Promise<number> {
    const position = this.#sizeBytes + offset;
    const written =
      more.length > 0
        ? await this.#handle.writev([first, ...more], position)
        : await this.#handle.write(first, 0, first.length, position);
    return written.bytesWritten;
  }

  async sync(): Promise<void> {
    if (this.#syncsAppends && !this.#isSyncDue) return;
    await this.#handle.datasync();
    this.#isSyncDue = false;
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#isSyncDue = true;
    await this.#handle.truncate(sizeBytes);
    this.#sizeBytes = this.#filledBytes = sizeBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#closing ??= this.#handle.close());
  }
}
