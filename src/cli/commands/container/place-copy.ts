import { posix } from "node:path";
import { CliError } from "../../context.ts";

/** What is copied: the first part of the names in its archive, and what that is to be called where it keeps its name. */
export interface CopySource {
  /** `.` where a folder's contents are meant. */
  readonly base: string;
  readonly isDirectory: boolean;
  readonly name: string;
}

export interface CopyTarget {
  /** As it was written, or where a link leads. */
  readonly path: string;
  readonly isThere: boolean;
  readonly isDirectory: boolean;
}

export interface Place {
  /** To unpack in. */
  readonly folder: string;
  /** Of each name in the archive. */
  readonly rename: (name: string) => string;
}

/**
 * Where an archive is unpacked, so that a file becomes the destination, or comes into it where it is a folder.
 * @throws CliError in Docker's words for what cannot be. @see moby's go-archive, PrepareArchiveCopy.
 */
export function placeCopy({ base, isDirectory, name }: CopySource, target: CopyTarget): Place {
  const renamed = (to: string) => (entry: string) =>
    entry === base || entry.startsWith(`${base}/`) ? to + entry.slice(base.length) : entry;
  if (target.isThere && target.isDirectory) return { folder: target.path, rename: renamed(name) };
  if (target.isThere && isDirectory) throw new CliError("cannot copy directory");
  if (!target.isThere && !isDirectory && /(^|\/)\.?$/.test(target.path)) throw new CliError("no such directory");
  return { folder: posix.dirname(target.path), rename: renamed(posix.basename(target.path)) };
}
