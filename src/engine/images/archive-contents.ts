import { OperationError } from "../../lib/errors.ts";
import { resolveMemberPath } from "../../lib/tar/path.ts";
import { readTar } from "../../lib/tar/reader.ts";
import type { Digest } from "../../model/ids.ts";
import { looksLikeLayer, type StagedFile, type StagedTree, type Staging } from "./staging.ts";

const MEMBERS_MAX = 100_000;
const LINKS_MAX = 8;

/** An image archive's files, received and, where they look like layers, already being unpacked. */
export class ArchiveContents {
  readonly #staging: Staging;
  readonly #files = new Map<string, StagedFile>();
  /** Old archives say by links that two images share a layer. */
  readonly #links = new Map<string, string>();
  readonly #trees = new Map<Digest, Promise<StagedTree>>();

  private constructor(staging: Staging) {
    this.#staging = staging;
  }

  /** @param isKnown - Blobs that need not be unpacked again. @throws OperationError `invalid`, once nothing runs on any more. */
  static async receive(
    archive: AsyncIterable<Uint8Array>,
    { staging, isKnown }: { readonly staging: Staging; readonly isKnown: (blob: Digest) => boolean },
  ): Promise<ArchiveContents> {
    const contents = new ArchiveContents(staging);
    try {
      for await (const { entry, data } of readTar(archive)) {
        if (contents.#files.size + contents.#links.size >= MEMBERS_MAX) {
          throw new OperationError("invalid", `archive holds more than ${MEMBERS_MAX} files`);
        }
        const name = nameOf(entry.path);
        if (entry.type === "file") await contents.#receiveFile(name, data(), isKnown);
        else if (entry.type === "hard-link") contents.#links.set(name, nameOf(entry.linkPath));
        else if (entry.type === "symlink") contents.#links.set(name, nameOf(besideOf(entry.path, entry.linkPath)));
        else if (entry.type !== "directory")
          throw new OperationError("invalid", `invalid archive: ${JSON.stringify(name)} is no file`);
      }
      return contents;
    } catch (error) {
      await contents.settle();
      throw error;
    }
  }

  file(path: string): StagedFile | undefined {
    let name = nameOf(Buffer.from(path, "utf8"));
    for (let hops = 0; hops <= LINKS_MAX; hops++) {
      const file = this.#files.get(name);
      const target = this.#links.get(name);
      if (file !== undefined || target === undefined) return file;
      name = target;
    }
    throw new OperationError("invalid", `invalid archive: too many links at ${JSON.stringify(path)}`);
  }

  /** @throws OperationError `invalid` when it is missing or too large. */
  async readSmall(path: string, { bytesMax }: { readonly bytesMax: number }): Promise<Buffer> {
    const file = this.file(path);
    if (file === undefined) throw new OperationError("invalid", `invalid archive: file ${JSON.stringify(path)} is missing`);
    return this.#staging.readSmall(file, { bytesMax, name: path });
  }

  unpack(file: StagedFile): Promise<StagedTree> {
    const present = this.#trees.get(file.digest);
    if (present !== undefined) return present;
    const tree = this.#staging.unpack(file);
    tree.catch(() => undefined); // Not every file that looks like one is a layer; who needs it sees the failure.
    this.#trees.set(file.digest, tree);
    return tree;
  }

  /** Resolves when no unpacking runs any more. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#trees.values());
  }

  async #receiveFile(name: string, data: AsyncIterable<Uint8Array>, isKnown: (blob: Digest) => boolean): Promise<void> {
    const file = await this.#staging.receive(data);
    this.#files.set(name, file);
    this.#links.delete(name);
    if (looksLikeLayer(file.head) && !isKnown(file.digest)) void this.unpack(file).catch(() => undefined);
  }
}

function nameOf(path: Buffer): string {
  return resolveMemberPath(path).toString("latin1").slice(1);
}

function besideOf(path: Buffer, target: Buffer): Buffer {
  const slash = path.lastIndexOf(0x2f);
  return target[0] === 0x2f || slash < 0 ? target : Buffer.concat([path.subarray(0, slash + 1), target]);
}
