import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, readSync } from "node:fs";
import { SystemCallError } from "../libc.ts";
import { type ConfinedRoot, followedPath, nameIn, O_PATH } from "./confined-root.ts";
import { ownerInArchive } from "./mapped-ids.ts";
import { attributeHash } from "./member-sums.ts";
import { getXattr } from "./node-calls.ts";
import { deviceOf, openFolderIn, sortedNames, typeOf } from "./tree-reader.ts";

const { O_NONBLOCK, O_RDONLY } = constants;
const READ_BYTES = 256 * 1024;
const CAPABILITY = "security.capability";

/** What stands for a file's content and attributes in a build's cache. Paths are latin1, without a slash in front. */
export class SourceHashes {
  readonly #root: ConfinedRoot;
  /** Of the archive that the tree came from. Missing: files are read. */
  readonly #sums: ReadonlyMap<string, string> | undefined;

  constructor(root: ConfinedRoot, sums: ReadonlyMap<string, string> | undefined) {
    this.#root = root;
    this.#sums = sums;
  }

  /** Links are followed inside the root. What is not there has its own name for a hash. */
  ofPath(path: string): string {
    const resolved = followedPath(this.#root, Buffer.from(`/${path}`, "latin1"))
      .toString("latin1")
      .slice(1);
    return this.#sums === undefined ? this.#read(resolved) : (this.#sums.get(resolved) ?? path);
  }

  /** Of a folder with all that is in it. @param path - With links already followed. */
  ofFolder(path: string): string {
    const hashes = path === "" ? [] : [this.ofPath(path)];
    for (const inside of pathsBelow(this.#root, path)) hashes.push(this.ofPath(inside));
    return `dir:${createHash("sha256").update(hashes.toSorted().join(",")).digest("hex")}`;
  }

  #read(path: string): string {
    let fd: number;
    try {
      fd = this.#root.open(Buffer.from(path, "latin1"), { flags: O_PATH });
    } catch (error) {
      if (error instanceof SystemCallError && error.code === "ENOENT") return path;
      throw error;
    }
    try {
      return this.#hashOf(fd, path);
    } finally {
      closeSync(fd);
    }
  }

  #hashOf(fd: number, path: string): string {
    const stats = fstatSync(fd);
    const type = typeOf(stats) ?? (stats.isFile() ? "file" : "fifo");
    const capability = type === "file" ? this.#capabilityOf(path) : undefined;
    const isDevice = type === "character-device" || type === "block-device";
    const hash = attributeHash({
      type,
      path: Buffer.from(type === "directory" ? `${path}/` : path, "latin1"),
      linkPath: Buffer.alloc(0),
      mode: stats.mode & 0o7777,
      ...{ ...ownerInArchive(stats), userName: "", groupName: "", sizeBytes: stats.size },
      ...(isDevice ? deviceOf(stats.rdev) : { deviceMajor: 0, deviceMinor: 0 }),
      xattrs: capability === undefined ? new Map() : new Map([[CAPABILITY, capability]]),
    });
    if (type !== "file") return hash.digest("hex");
    const content = this.#root.open(Buffer.from(path, "latin1"), { flags: O_RDONLY | O_NONBLOCK });
    try {
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      for (let count = readSync(content, buffer); count > 0; count = readSync(content, buffer))
        hash.update(buffer.subarray(0, count));
    } finally {
      closeSync(content);
    }
    return hash.digest("hex");
  }

  #capabilityOf(path: string): Buffer | undefined {
    const at = path.lastIndexOf("/");
    const folder = this.#root.openFolder(Buffer.from(`/${at < 0 ? "" : path.slice(0, at)}`, "latin1"));
    try {
      return getXattr(nameIn(folder, Buffer.from(path.slice(at + 1), "latin1")), CAPABILITY);
    } finally {
      closeSync(folder);
    }
  }
}

/** Parents before what is in them, by name; links are not followed. */
export function* pathsBelow(root: ConfinedRoot, path: string): Generator<string, void, void> {
  const fd = root.open(Buffer.from(`/${path}`, "latin1"), { flags: O_RDONLY | constants.O_DIRECTORY });
  yield* below(fd, path);
}

/** Closes `fd`. */
function* below(fd: number, path: string): Generator<string, void, void> {
  try {
    for (const name of sortedNames(fd)) {
      const inside = path === "" ? name.toString("latin1") : `${path}/${name.toString("latin1")}`;
      yield inside;
      const folder = openFolderIn(fd, name);
      if (folder !== undefined) yield* below(folder, inside);
    }
  } finally {
    closeSync(fd);
  }
}
