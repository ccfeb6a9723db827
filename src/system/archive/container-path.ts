import { closeSync, constants, fstatSync } from "node:fs";
import { posix } from "node:path";
import { OperationError } from "../../lib/errors.ts";
import { TAR_END } from "../../lib/tar/writer.ts";
import { SystemCallError } from "../libc.ts";
import { type ConfinedRoot, followedPath, O_PATH } from "./confined-root.ts";
import type { PathStat } from "./protocol.ts";
import { TreeReader } from "./tree-reader.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, S_IFMT } = constants;

/** A path as a user gives it: where it is, and under which name it goes into an archive. */
export interface UserPath {
  /** Absolute, with nothing superfluous. */
  readonly clean: string;
  /** The last part; `.` and `/` stand for themselves. */
  readonly name: string;
  /** Ends in `/` or `/.`: a folder, and a link to one is followed. */
  readonly isFolder: boolean;
}

export function parseUserPath(path: string): UserPath {
  const normal = posix.normalize(`/${path}`);
  const clean = normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
  const endsInDot = path === "." || path.endsWith("/.");
  const name = endsInDot ? "." : clean === "/" ? "/" : posix.basename(clean);
  return { clean, name, isFolder: endsInDot || path.endsWith("/") || clean === "/" };
}

/** @throws OperationError `not-found`, or `invalid` for a file where a folder was meant. */
export function statPath(root: ConfinedRoot, path: string): PathStat {
  const { clean, name, isFolder } = parseUserPath(path);
  const fd = openNamed(root, path, isFolder ? O_PATH | O_DIRECTORY : O_PATH | O_NOFOLLOW);
  try {
    const stats = fstatSync(fd, { bigint: true });
    return {
      name,
      sizeBytes: Number(stats.size),
      mode: goMode(Number(stats.mode)),
      mtimeNs: String(stats.mtimeNs),
      linkTarget: stats.isSymbolicLink() ? followedPath(root, Buffer.from(clean)).toString("utf8") : "",
    };
  } finally {
    closeSync(fd);
  }
}

function openNamed(root: ConfinedRoot, path: string, flags: number): number {
  const { clean } = parseUserPath(path);
  try {
    return root.open(clean, { flags });
  } catch (error) {
    const code = error instanceof SystemCallError ? error.code : "";
    if (code === "ENOENT") throw new OperationError("not-found", path, { cause: error });
    if (code === "ENOTDIR") throw new OperationError("invalid", `lstat ${path}: not a directory`, { cause: error });
    throw error;
  }
}

/** The path as an archive: a folder with all below it, anything else alone, a link as the link it is. */
export function readPath(root: ConfinedRoot, path: string, write: (bytes: Uint8Array) => void): void {
  const { clean, name, isFolder } = parseUserPath(path);
  const reader = new TreeReader(write);
  const archived = Buffer.from(name);
  if (isFolder) {
    const fd = openNamed(root, path, O_RDONLY | O_DIRECTORY);
    try {
      reader.addEntry(fd, Buffer.from("."), archived);
      reader.addContents(fd, archived);
    } finally {
      closeSync(fd);
    }
  } else {
    const parent = root.openFolder(posix.dirname(clean));
    try {
      reader.addTree(parent, archived, archived);
    } finally {
      closeSync(parent);
    }
  }
  write(TAR_END);
}

/** All below the root, without the root itself. */
export function readTree(root: ConfinedRoot, write: (bytes: Uint8Array) => void): void {
  const fd = root.open("/", { flags: O_RDONLY | O_DIRECTORY });
  try {
    new TreeReader(write).addContents(fd, Buffer.alloc(0));
  } finally {
    closeSync(fd);
  }
  write(TAR_END);
}

/** @see Go's os.FileMode: its own bits for what is not a permission. */
const GO_TYPES: ReadonlyMap<number, number> = new Map([
  [constants.S_IFDIR, 2 ** 31],
  [constants.S_IFLNK, 2 ** 27],
  [constants.S_IFBLK, 2 ** 26],
  [constants.S_IFCHR, 2 ** 26 + 2 ** 21],
  [constants.S_IFIFO, 2 ** 25],
  [constants.S_IFSOCK, 2 ** 24],
]);

function goMode(mode: number): number {
  const special = [
    [0o4000, 2 ** 23],
    [0o2000, 2 ** 22],
    [0o1000, 2 ** 20],
  ] as const;
  const bits = special.reduce((sum, [bit, value]) => sum + ((mode & bit) === 0 ? 0 : value), 0);
  return (mode & 0o777) + bits + (GO_TYPES.get(mode & S_IFMT) ?? 0);
}
