import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync, type Stats } from "node:fs";
import { errnoCode } from "../../lib/errors.ts";
import { paddingBytes, type TarEntryType } from "../../lib/tar/entry.ts";
import { encodeHeader } from "../../lib/tar/writer.ts";
import { nameIn, readLinkIn } from "./confined-root.ts";
import { ownerInArchive } from "./mapped-ids.ts";
import { getXattr } from "./node-calls.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const READ_BYTES = 256 * 1024;
const CAPABILITY = "security.capability";

/** Extended attributes of what is at a path, by name. */
export type XattrsOf = (path: Buffer, type: TarEntryType) => ReadonlyMap<string, Buffer>;

const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map();

function capabilityOf(path: Buffer, type: TarEntryType): ReadonlyMap<string, Buffer> {
  const capability = type === "file" ? getXattr(path, CAPABILITY) : undefined;
  return capability === undefined ? NO_XATTRS : new Map([[CAPABILITY, capability]]);
}

/** Writes parts of a tree as an archive. Folders are open while they are read, so nothing that is renamed meanwhile leads elsewhere. */
export class TreeReader {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #xattrsOf: XattrsOf;
  /** First name of each file that has several. */
  readonly #names = new Map<string, Buffer>();
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);

  /** @param xattrsOf - By default what every archive tells of them: a program's capabilities. */
  constructor(write: (bytes: Uint8Array) => void, xattrsOf: XattrsOf = capabilityOf) {
    this.#write = write;
    this.#xattrsOf = xattrsOf;
  }

  /** A whole tree, sorted. `archived`: its name in the archive, which for the contents of a root is empty. */
  addTree(folderFd: number, name: Buffer, archived: Buffer): void {
    const stats = this.addEntry(folderFd, name, archived);
    if (stats?.isDirectory() !== true) return;
    const fd = openFolderIn(folderFd, name);
    if (fd === undefined) return;
    try {
      this.addContents(fd, archived);
    } finally {
      closeSync(fd);
    }
  }

  addContents(folderFd: number, archived: Buffer): void {
    for (const name of sortedNames(folderFd)) this.addTree(folderFd, name, joinNames(archived, name));
  }

  /** One entry alone. @returns `undefined` when it has gone meanwhile. */
  addEntry(folderFd: number, name: Buffer, archived: Buffer): Stats | undefined {
    const path = nameIn(folderFd, name);
    try {
      const stats = lstatSync(path);
      if (stats.isFile()) return this.#addFile(path, archived);
      const type = typeOf(stats);
      if (type === undefined) return stats;
      const linkPath = type === "symlink" ? readLinkIn(folderFd, name) : undefined;
      this.#header(stats, { type, path: type === "directory" ? withSlash(archived) : archived }, path, linkPath);
      return stats;
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].includes(errnoCode(error) ?? "")) return undefined;
      throw error;
    }
  }

  #addFile(path: Buffer, archived: Buffer): Stats | undefined {
    const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) return undefined; // Replaced a moment ago.
      const key = `${stats.dev}:${stats.ino}`;
      const first = stats.nlink > 1 ? this.#names.get(key) : undefined;
      if (first !== undefined) {
        this.#header({ ...common(stats), size: 0 }, { type: "hard-link", path: archived }, path, first);
        return stats;
      }
      if (stats.nlink > 1) this.#names.set(key, archived);
      this.#header(stats, { type: "file", path: archived }, path);
      this.#copy(fd, stats.size);
      return stats;
    } finally {
      closeSync(fd);
    }
  }

  /** As much as the header said: what was cut off meanwhile is zeros, what was added is left out. */
  #copy(fd: number, sizeBytes: number): void {
    let left = sizeBytes;
    while (left > 0) {
      const count = readSync(fd, this.#buffer, 0, Math.min(READ_BYTES, left), null);
      if (count === 0) break;
      this.#write(this.#buffer.subarray(0, count));
      left -= count;
    }
    for (; left > 0; left -= Math.min(READ_BYTES, left)) this.#write(Buffer.alloc(Math.min(READ_BYTES, left)));
    this.#write(Buffer.alloc(paddingBytes(sizeBytes)));
  }

  #header(
    stats: Pick<Stats, "mode" | "uid" | "gid" | "size" | "mtimeMs" | "rdev">,
    { type, path }: { readonly type: TarEntryType; readonly path: Buffer },
    at: Buffer,
    linkPath?: Buffer,
  ): void {
    const xattrs = this.#xattrsOf(at, type);
    const isDevice = type === "character-device" || type === "block-device";
    this.#write(
      encodeHeader({
        type,
        path,
        ...(linkPath === undefined ? {} : { linkPath }),
        mode: stats.mode & 0o7777,
        ...ownerInArchive(stats),
        sizeBytes: type === "file" ? stats.size : 0,
        mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
        ...(isDevice ? deviceOf(stats.rdev) : {}),
        ...(xattrs.size === 0 ? {} : { xattrs }),
      }),
    );
  }
}

const SLASH = Buffer.from("/");

function common({ mode, uid, gid, mtimeMs, rdev }: Stats) {
  return { mode, uid, gid, mtimeMs, rdev };
}

export function joinNames(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? name : Buffer.concat([withSlash(folder), name]);
}

function withSlash(path: Buffer): Buffer {
  return path.at(-1) === SLASH[0] ? path : Buffer.concat([path, SLASH]);
}

export function sortedNames(folderFd: number): readonly Buffer[] {
  return readdirSync(`/proc/self/fd/${folderFd}`, { encoding: "buffer" }).toSorted((left, right) => left.compare(right));
}

/** `undefined` when it is no folder any more. @throws where it may be one that cannot be opened: what is in it must not be passed over. */
export function openFolderIn(folderFd: number, name: Buffer): number | undefined {
  return unlessGone(() => openSync(nameIn(folderFd, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
}

/** What somebody has removed, or put something else in the place of, since it was listed. */
export function unlessGone<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** `undefined` for a socket, which no archive holds. */
export function typeOf(stats: Stats): TarEntryType | undefined {
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character-device";
  if (stats.isBlockDevice()) return "block-device";
  return stats.isFIFO() ? "fifo" : undefined;
}

export function deviceOf(rdev: number): { readonly deviceMajor: number; readonly deviceMinor: number } {
  const value = BigInt(rdev);
  return {
    deviceMajor: Number(((value >> 8n) & 0xfffn) | ((value >> 32n) & 0xfffff000n)),
    deviceMinor: Number((value & 0xffn) | ((value >> 12n) & 0xffffff00n)),
  };
}
