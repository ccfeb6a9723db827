import { createReadStream, type Dirent, lstatSync, readFileSync, type Stats } from "node:fs";
import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { IgnorePatterns, ignoreLines } from "../../lib/ignore-patterns.ts";
import { paddingBytes, type TarEntryType } from "../../lib/tar/entry.ts";
import { encodeHeader, encodeMember, TAR_END } from "../../lib/tar/writer.ts";
import { CliError } from "../context.ts";

const DEFAULT_DOCKERFILE = "Dockerfile";
const READ_BYTES = 256 * 1024;

/** A folder to build from. */
export interface BuildFolder {
  readonly path: string;
  /** Below it. */
  readonly dockerfile: string;
  readonly ignores: (path: string) => boolean;
  /** A file that is left out may be in a folder that is, and come back. */
  readonly hasExceptions: boolean;
}

/** @param file - As the user names it, from where they are. @throws CliError in docker's words. */
export async function openBuildFolder(source: string, file: string | undefined): Promise<BuildFolder> {
  const path = resolve(source);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new CliError(`unable to prepare context: path ${JSON.stringify(source)} not found`);
  const dockerfile = dockerfileIn(path, file);
  const patterns = new IgnorePatterns([...ignoreLines(readIfThere(join(path, ".dockerignore")))]);
  // The builder itself needs both, and leaves them out of what it copies.
  const needed = new Set([dockerfile, ".dockerignore"]);
  return {
    path,
    dockerfile,
    ignores: name => !needed.has(name) && patterns.ignores(name),
    hasExceptions: patterns.hasExceptions,
  };
}

function dockerfileIn(folder: string, file: string | undefined): string {
  const path = file === undefined ? defaultIn(folder) : resolve(file);
  const name = relative(folder, path);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new CliError(
      `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`,
    );
  }
  if (name.startsWith("..") || isAbsolute(name)) {
    throw new CliError(`unable to prepare context: the Dockerfile (${path}) must be within the build context`);
  }
  return name;
}

function defaultIn(folder: string): string {
  const [path, lower] = [join(folder, DEFAULT_DOCKERFILE), join(folder, DEFAULT_DOCKERFILE.toLowerCase())];
  const isThere = (one: string): boolean => lstatSync(one, { throwIfNoEntry: false }) !== undefined;
  return !isThere(path) && isThere(lower) ? lower : path;
}

function readIfThere(path: string): string {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined ? "" : readFileSync(path, "utf8");
}

/** The folder as an archive: everything root's, so that it is the same whoever builds. Sockets are left out. */
export async function* archiveOf(folder: BuildFolder): AsyncGenerator<Uint8Array, void, void> {
  yield* contentsOf(folder, "");
  yield TAR_END;
}

async function* contentsOf(folder: BuildFolder, path: string): AsyncGenerator<Uint8Array, void, void> {
  const entries = await readdir(join(folder.path, path), { withFileTypes: true });
  for (const entry of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const name = path === "" ? entry.name : `${path}/${entry.name}`;
    const isIgnored = folder.ignores(name);
    if (!isIgnored) yield* memberOf(join(folder.path, name), name);
    if (entry.isDirectory() && (!isIgnored || folder.hasExceptions || holds(folder, entry, name)))
      yield* contentsOf(folder, name);
  }
}

/** A Dockerfile is sent wherever it is. */
function holds({ dockerfile }: BuildFolder, entry: Dirent, name: string): boolean {
  return entry.isDirectory() && dockerfile.startsWith(`${name}/`);
}

async function* memberOf(at: string, path: string): AsyncGenerator<Uint8Array, void, void> {
  const stats = await lstat(at);
  const type = typeOf(stats);
  if (type === undefined) return;
  const common = { mode: stats.mode & 0o7777, mtimeSeconds: Math.floor(stats.mtimeMs / 1000) };
  if (type === "file") {
    yield encodeHeader({ ...common, type, path, sizeBytes: stats.size });
    yield* fileOf(at, stats.size);
  } else if (type === "symlink") yield encodeHeader({ ...common, type, path, linkPath: await readlink(at) });
  else yield encodeHeader({ ...common, type, path: type === "directory" ? `${path}/` : path });
}

/** As many bytes as its header says. @throws CliError for one that has become shorter. */
export async function* fileOf(at: string, sizeBytes: number): AsyncGenerator<Uint8Array, void, void> {
  let left = sizeBytes;
  if (left > 0) {
    for await (const chunk of createReadStream(at, { end: sizeBytes - 1, highWaterMark: READ_BYTES })) {
      left -= (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  }
  if (left > 0) throw new CliError(`${at} was cut short while it was sent`);
  yield new Uint8Array(paddingBytes(sizeBytes));
}

const DOCKERFILE_BYTES_MAX = 8 * 1024 * 1024;
const TAR_MAGIC_AT = 257;
const MAGICS = [
  [0x1f, 0x8b, 0x08],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  [0x28, 0xb5, 0x2f, 0xfd],
];

/** What comes by a pipe: an archive as it is, or else a Dockerfile. */
export async function* archiveFrom(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let start = Buffer.alloc(0);
  let isArchive = false;
  for await (const chunk of input) {
    if (isArchive) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    isArchive = looksLikeArchive(start);
    if (isArchive) yield start;
    else if (start.length > DOCKERFILE_BYTES_MAX) throw new CliError("what comes is neither an archive nor a Dockerfile");
  }
  if (isArchive) return;
  yield encodeMember({ type: "file", path: DEFAULT_DOCKERFILE }, start);
  yield TAR_END;
}

function looksLikeArchive(start: Buffer): boolean {
  return (
    MAGICS.some(magic => magic.every((byte, index) => start[index] === byte)) ||
    start.toString("latin1", TAR_MAGIC_AT, TAR_MAGIC_AT + "ustar".length) === "ustar"
  );
}

export function typeOf(stats: Stats): TarEntryType | undefined {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  return stats.isFIFO() ? "fifo" : undefined;
}
