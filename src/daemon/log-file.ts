import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

/** Size at which a file is put away, and how many there are with the one that is written. */
const FILE_BYTES_MAX = 10 * 1024 * 1024;
const FILES_MAX = 3;

/**
 * A log of bounded size: `path`, then `path.1` and `path.2`, the oldest last. Written synchronously, so that the last words of a process
 * that crashes are there.
 */
export class LogFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #descriptor: number;
  #bytes: number;

  constructor(path: string, { bytesMax = FILE_BYTES_MAX }: { readonly bytesMax?: number } = {}) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    [this.#descriptor, this.#bytes] = open(path);
  }

  /** Lines are whole in one file or the next. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#bytes > 0 && this.#bytes + bytes.byteLength > this.#bytesMax) this.#rotate();
    for (let written = 0; written < bytes.byteLength; ) written += writeSync(this.#descriptor, bytes, written);
    this.#bytes += bytes.byteLength;
  }

  #rotate(): void {
    closeSync(this.#descriptor);
    for (let number = FILES_MAX - 1; number > 0; number--) {
      const from = number === 1 ? this.#path : `${this.#path}.${number - 1}`;
      try {
        renameSync(from, `${this.#path}.${number}`);
      } catch {
        continue; // There are not that many yet, or somebody took it away.
      }
    }
    [this.#descriptor, this.#bytes] = open(this.#path);
  }
}

function open(path: string): readonly [descriptor: number, bytes: number] {
  const descriptor = openSync(path, "a", 0o640);
  return [descriptor, fstatSync(descriptor).size];
}
