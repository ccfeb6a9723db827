import { createHash } from "node:crypto";
import { chmod, type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { OperationError } from "../../lib/errors.ts";
import { readPieces } from "../../lib/read-pieces.ts";
import { asId, type Digest } from "../../model/ids.ts";
import type { ImageArchives } from "./effects.ts";
import { failpoint } from "../../ports/failpoint.ts";

/** A file that came in, with its digest; not yet part of the store. */
export interface StagedFile {
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Its first bytes, enough to tell what it is. */
  readonly head: Buffer;
}

export interface StagedTree {
  readonly path: string;
  readonly diffId: Digest;
  readonly sizeBytes: number;
}

export interface StagingLimits {
  readonly archiveBytesMax: number;
  readonly layerBytesMax: number;
  readonly layerEntriesMax: number;
}

const HEAD_BYTES = 512;
/** Each write is a turn through the thread pool, so small chunks go together. */
const WRITE_BYTES = 512 * 1024;
const WRITE_PIECES_MAX = 512;

/** A folder for what one load brings. Disposing it removes all that was not moved into the store. */
export class Staging implements AsyncDisposable {
  readonly #path: string;
  readonly #archives: ImageArchives;
  readonly #limits: StagingLimits;
  #count = 0;
  #receivedBytes = 0;

  private constructor(path: string, { archives, limits }: { readonly archives: ImageArchives; readonly limits: StagingLimits }) {
    this.#path = path;
    this.#archives = archives;
    this.#limits = limits;
  }

  static async create(
    path: string,
    options: { readonly archives: ImageArchives; readonly limits: StagingLimits },
  ): Promise<Staging> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return new Staging(path, options);
  }

  /** @param source - Chunks that are not written over later. */
  async receive(source: AsyncIterable<Uint8Array>): Promise<StagedFile> {
    const path = this.#newPath();
    const hash = createHash("sha256");
    const file = await open(path, "wx", 0o600);
    let head = Buffer.alloc(0);
    let sizeBytes = 0;
    const waiting: Uint8Array[] = [];
    let waitingBytes = 0;
    try {
      for await (const chunk of source) {
        this.#receivedBytes += chunk.length;
        if (this.#receivedBytes > this.#limits.archiveBytesMax) {
          throw new OperationError("invalid", `archive is larger than ${this.#limits.archiveBytesMax} bytes`);
        }
        sizeBytes += chunk.length;
        if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
        hash.update(chunk);
        waiting.push(chunk);
        waitingBytes += chunk.length;
        if (waitingBytes < WRITE_BYTES && waiting.length < WRITE_PIECES_MAX) continue;
        await writeAll(file, waiting.splice(0));
        waitingBytes = 0;
      }
      await writeAll(file, waiting);
    } finally {
      await file.close();
    }
    return { path, digest: asId<Digest>(`sha256:${hash.digest("hex")}`), sizeBytes, head };
  }

  /** @throws OperationError `invalid` when it is no archive of a file tree. */
  async unpack(file: StagedFile): Promise<StagedTree> {
    const path = this.#newPath();
    await mkdir(path);
    await chmod(path, 0o755);
    const source = isPlainTar(file.head) ? file.path : this.#archives.decompress(readPieces(file.path));
    const { sha256, sizeBytes } = await failpoint("images/archive.unpack", () =>
      this.#archives.unpack(source, {
        target: path,
        isLayer: true,
        bytesMax: this.#limits.layerBytesMax,
        entriesMax: this.#limits.layerEntriesMax,
      }),
    );
    return { path, diffId: asId<Digest>(`sha256:${sha256}`), sizeBytes };
  }

  async readSmall(file: StagedFile, { bytesMax, name }: { readonly bytesMax: number; readonly name: string }): Promise<Buffer> {
    if (file.sizeBytes > bytesMax) throw new OperationError("invalid", `invalid ${name}: larger than ${bytesMax} bytes`);
    return readFile(file.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#archives.remove([this.#path]);
  }

  #newPath(): string {
    return `${this.#path}/${this.#count++}`;
  }
}

/** A write may be short. */
async function writeAll(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  let rest = pieces;
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    const left = rest.findIndex(piece => (bytesWritten -= piece.length) < 0);
    const [first = new Uint8Array(), ...others] = left < 0 ? [] : rest.slice(left);
    rest = left < 0 ? [] : [first.subarray(first.length + bytesWritten), ...others];
  }
}

/** A tar by its magic, or something that is unpacked to one. */
export function looksLikeLayer(head: Buffer): boolean {
  const starts = (...bytes: readonly number[]): boolean => bytes.every((byte, index) => head[index] === byte);
  return isPlainTar(head) || starts(0x1f, 0x8b, 0x08) || starts(0x28, 0xb5, 0x2f, 0xfd) || starts(0xfd, 0x37, 0x7a, 0x58, 0x5a);
}

function isPlainTar(head: Buffer): boolean {
  return head.toString("latin1", 257, 262) === "ustar";
}
