import { closeSync, constants, fstatSync } from "node:fs";
import { posix } from "node:path";
import { OperationError } from "../../lib/errors.ts";
import { globPattern } from "../../lib/glob.ts";
import { SystemCallError } from "../libc.ts";
import { type ConfinedRoot, followedPath, O_PATH } from "./confined-root.ts";
import { readSums } from "./member-sums.ts";
import type { ArchiveReply, FoundSource, SourceQuery } from "./protocol.ts";
import { pathsBelow, SourceHashes } from "./source-hash.ts";

/** Their answer is one frame. */
const SOURCES_MAX = 2000;

/** What a build's instruction means by its sources, in their order. @throws OperationError `not-found`, in Docker's words. */
export function findSources(root: ConfinedRoot, { patterns, sumsPath }: SourceQuery): readonly FoundSource[] {
  const hashes = new SourceHashes(root, sumsPath === undefined ? undefined : readSums(sumsPath));
  const found: FoundSource[] = [];
  for (const pattern of patterns) {
    const path = Buffer.from(pattern.replace(/^\//, "").replace(/^\.\//, ""), "utf8").toString("latin1");
    for (const one of hasWildcards(path) ? matching(root, path) : [path]) found.push(describe(root, one, hashes));
    if (found.length > SOURCES_MAX)
      throw new OperationError("invalid", `more than ${SOURCES_MAX} files are meant: copy their folder`);
  }
  return found;
}

function describe(root: ConfinedRoot, path: string, hashes: SourceHashes): FoundSource {
  const { path: resolved, type } = resolvePath(root, path);
  if (type === "missing") throw new OperationError("not-found", `stat ${shown(path)}: file does not exist`);
  const isFolder = type === "folder";
  return { path, resolved, isFolder, hash: isFolder ? hashes.ofFolder(resolved) : `file:${hashes.ofPath(path)}` };
}

/** @param path - latin1. @throws OperationError `invalid` for one that leads out by its own dots; links cannot. */
export function resolvePath(root: ConfinedRoot, path: string): Extract<ArchiveReply, { kind: "resolved" }> {
  const clean = posix.normalize(path === "" ? "." : path).replace(/^\/+/, "");
  if (clean === ".." || clean.startsWith("../")) {
    throw new OperationError("invalid", `forbidden path outside the build context: ${shown(path)} ()`);
  }
  const resolved = followedPath(root, Buffer.from(`/${clean}`, "latin1"));
  return { kind: "resolved", path: resolved.toString("latin1").slice(1), type: typeAt(root, resolved) };
}

function typeAt(root: ConfinedRoot, path: Buffer): "file" | "folder" | "other" | "missing" {
  let fd: number;
  try {
    fd = root.open(path, { flags: O_PATH | constants.O_NOFOLLOW });
  } catch (error) {
    if (error instanceof SystemCallError && (error.code === "ENOENT" || error.code === "ENOTDIR")) return "missing";
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (stats.isDirectory()) return "folder";
    return stats.isFile() ? "file" : "other";
  } finally {
    closeSync(fd);
  }
}

function hasWildcards(path: string): boolean {
  return /[*?[]/.test(path.replace(/\\./gs, ""));
}

/** A pattern that cannot be read matches nothing, as in Docker. */
function* matching(root: ConfinedRoot, pattern: string): Generator<string, void, void> {
  let expression: RegExp;
  try {
    expression = globPattern(Buffer.from(pattern, "latin1").toString("utf8"));
  } catch {
    return;
  }
  for (const path of pathsBelow(root, "")) if (expression.test(shown(path))) yield path;
}

function shown(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8");
}
