import { createHash } from "node:crypto";
import { posix } from "node:path";
import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";
import { readPieces } from "../../lib/read-pieces.ts";
import { TarParser } from "../../lib/tar/parser.ts";
import type { RootSource } from "../archive/effects.ts";
import type { BuildContext } from "./build-context.ts";
import type { CopyInstruction } from "./dockerfile/instruction.ts";
import type { BuildArchives, FoundSource } from "./effects.ts";

/** An archive's first member is told by its beginning: names and attributes have their own limits in the parser. */
const ARCHIVE_START_BYTES_MAX = 8 * 1024 * 1024;

/** What `COPY` or `ADD` copies, once its sources are found. */
export interface PlannedCopy {
  readonly instruction: CopyInstruction;
  readonly from: RootSource;
  readonly sources: readonly FoundSource[];
  /** For the step's line in the history: the same files, the same words. */
  readonly comment: string;
}

/** @param tree - What is copied from; the context unless the instruction names an image. @throws OperationError, in Docker's words. */
export async function planCopy(
  instruction: CopyInstruction,
  { tree, context, archives }: { readonly tree?: RootSource; readonly context: BuildContext; readonly archives: BuildArchives },
): Promise<PlannedCopy> {
  const name = instruction.kind.toUpperCase();
  const from = tree ?? context.root;
  const sources = await findSources(instruction, { tree, context, archives }).catch((error: unknown) => {
    throw new OperationError(errorKind(error), `${name} failed: ${errorMessage(error)}`, { cause: error });
  });
  if (sources.length > 1 && !instruction.destination.endsWith("/")) {
    throw new OperationError(
      "internal",
      `When using ${name} with more than one source file, the destination must be a directory and end with a /`,
    );
  }
  const chown = instruction.chown === "" ? "" : `--chown=${instruction.chown} `;
  return { instruction, from, sources, comment: `${name} ${chown}${hashOfAll(sources)} in ${instruction.destination} ` };
}

async function findSources(
  { kind, sources: patterns }: CopyInstruction,
  {
    tree,
    context,
    archives,
  }: { readonly tree: RootSource | undefined; readonly context: BuildContext; readonly archives: BuildArchives },
): Promise<readonly FoundSource[]> {
  const url = patterns.find(pattern => /^https?:\/\//.test(pattern));
  if (url !== undefined) {
    const reason = kind === "copy" ? "source can't be a URL for COPY" : `this engine does not download files for ADD: ${url}`;
    throw new OperationError("invalid", reason);
  }
  const query = { patterns, ...(tree === undefined ? { sumsPath: context.sumsPath } : {}) };
  const found = await archives.findSources(tree ?? context.root, query).catch((error: unknown) => {
    if (errorKind(error) !== "not-found" || tree !== undefined) throw error;
    const message = `file not found in build context or excluded by .dockerignore: ${errorMessage(error)}`;
    throw new OperationError("not-found", message, { cause: error });
  });
  if (found.length === 0) throw new OperationError("internal", "no source files were specified");
  return found;
}

function hashOfAll(sources: readonly FoundSource[]): string {
  const [first, ...others] = sources;
  if (first !== undefined && others.length === 0) return first.hash;
  return `multi:${createHash("sha256")
    .update(sources.map(({ hash }) => hash).join(","))
    .digest("hex")}`;
}

/** @param to - A tree that nobody else writes to. */
export async function carryOutCopy(
  { instruction, from, sources }: PlannedCopy,
  {
    to,
    workingDir,
    context,
    archives,
  }: {
    readonly to: RootSource;
    readonly workingDir: string;
    readonly context: BuildContext;
    readonly archives: BuildArchives;
  },
): Promise<void> {
  const destination = destinationOf(instruction.destination, workingDir);
  const keepsOwners = instruction.from !== "" && instruction.chown === "";
  const copy = (some: readonly FoundSource[]): Promise<void> =>
    archives.copySources(to, { from, sources: some, destination, chown: instruction.chown, keepsOwners });
  if (instruction.kind === "copy") return copy(sources);
  for (const source of sources) {
    const path = context.filePath(source.resolved);
    if (source.isFolder || !(await isArchive(path, archives))) await copy([source]);
    else await unpackInto(to, { path, destination, archives });
  }
}

/** A slash at its end stays: it is then a folder. */
function destinationOf(destination: string, workingDir: string): string {
  if (destination.startsWith("/")) return destination;
  const joined = posix.join("/", workingDir, destination);
  return destination.endsWith("/") && !joined.endsWith("/") ? `${joined}/` : joined;
}

/** Owners are the archive's own. */
async function unpackInto(
  to: RootSource,
  { path, destination, archives }: { readonly path: Buffer; readonly destination: string; readonly archives: BuildArchives },
): Promise<void> {
  const settings = { keepsKinds: false, owner: "", isRootReadOnly: false, mounts: [] };
  try {
    await archives.makeFolder(to, destination);
    await archives.writePath(to, { path: destination, settings, archive: readPieces(path) });
  } catch (error) {
    throw new OperationError(errorKind(error), `failed to copy files: ${errorMessage(error)}`, { cause: error });
  }
}

/** Whether a file, compressed or not, begins as a tar archive with something in it does. */
async function isArchive(path: Buffer, archives: BuildArchives): Promise<boolean> {
  const parser = new TarParser();
  let bytes = 0;
  try {
    for await (const chunk of archives.decompress(readPieces(path))) {
      for (const event of parser.push(chunk)) if (event.kind === "entry") return true;
      bytes += chunk.length;
      if (bytes > ARCHIVE_START_BYTES_MAX) return false;
    }
    return false;
  } catch (error) {
    if (errorKind(error) === "invalid") return false;
    throw error;
  }
}
