import { closeSync, constants, lchownSync, mkdirSync } from "node:fs";
import { posix } from "node:path";
import { errnoCode, errorMessage, OperationError } from "../../lib/errors.ts";
import { type Owner, ROOT } from "../../model/id-map.ts";
import { TarParser } from "../../lib/tar/parser.ts";
import { TAR_END } from "../../lib/tar/writer.ts";
import { type ConfinedRoot, followedPath, nameIn } from "./confined-root.ts";
import { ContainerWriter } from "./container-writer.ts";
import { ownerOnDisk } from "./mapped-ids.ts";
import { resolvePath } from "./find-sources.ts";
import { chownerIn } from "./owner.ts";
import type { SourceCopy } from "./protocol.ts";
import { readSmallFile } from "./small-file.ts";
import { TreeReader, type XattrsOf } from "./tree-reader.ts";

const { O_DIRECTORY, O_RDONLY } = constants;
const FOLDER_MODE = 0o755;
const FAILED = "failed to copy files";

/** Copies from one tree into another, as `COPY` does: a folder's content, or a file under its name. Neither tree's links lead out of it. */
export function copySources(
  from: ConfinedRoot,
  to: ConfinedRoot,
  { sources, destination, chown, keepsOwners }: SourceCopy,
): void {
  const owner = keepsOwners ? undefined : ownerOf(to, chown);
  try {
    for (const source of sources) {
      if (source.isFolder) copyFolder({ from, to }, { source, destination, owner });
      else copyFile({ from, to }, { source, destination, owner });
    }
  } catch (error) {
    throw error instanceof OperationError
      ? new OperationError(error.kind, `${FAILED}: ${error.message}`, { cause: error })
      : error;
  }
}

type Trees = { readonly from: ConfinedRoot; readonly to: ConfinedRoot };
interface Copy {
  readonly source: SourceCopy["sources"][number];
  readonly destination: string;
  /** Missing: each file keeps its own. */
  readonly owner: Owner | undefined;
}

function ownerOf(root: ConfinedRoot, chown: string): Owner {
  if (chown === "") return ROOT;
  try {
    return chownerIn(chown, path => readSmallFile(root, path));
  } catch (error) {
    const message = `unable to convert uid/gid chown string to host mapping: ${errorMessage(error)}`;
    throw new OperationError("invalid", message, { cause: error });
  }
}

/** A folder that is there keeps its owner; one that is made gets the copy's. */
function copyFolder({ from, to }: Trees, { source, destination, owner }: Copy): void {
  const base = followedPath(to, Buffer.from(destination));
  const wasThere = isFolder(to, base);
  makeFolders(to, base, ROOT);
  if (!wasThere && owner !== undefined) chownFolder(to, base, owner);
  const fd = from.open(Buffer.from(`/${source.resolved}`, "latin1"), { flags: O_RDONLY | O_DIRECTORY });
  try {
    transfer({ root: to, base, owner }, reader => reader.addContents(fd, Buffer.alloc(0)));
  } finally {
    closeSync(fd);
  }
}

function copyFile({ from, to }: Trees, { source, destination, owner }: Copy): void {
  const wanted = followedPath(to, Buffer.from(destination));
  const goesInside = destination.endsWith("/") || isFolder(to, wanted);
  const name = Buffer.from(posix.basename(source.path), "latin1");
  const [base, archived] = goesInside ? [wanted, name] : splitPath(wanted);
  makeFolders(to, base, owner ?? ROOT);
  const [folder, entry] = splitPath(Buffer.from(`/${source.resolved}`, "latin1"));
  const fd = from.openFolder(folder);
  try {
    transfer({ root: to, base, owner }, reader => void reader.addEntry(fd, entry, archived));
  } finally {
    closeSync(fd);
  }
}

/** What a reader reads is written below `base` as it is read. */
export function transfer(
  {
    root,
    base,
    owner,
    xattrsOf,
  }: {
    readonly root: ConfinedRoot;
    readonly base: Buffer;
    readonly owner: Owner | undefined;
    readonly xattrsOf?: XattrsOf;
  },
  read: (reader: TreeReader) => void,
): void {
  const writer = new ContainerWriter({ root, base, keepsKinds: false, ...(owner === undefined ? {} : { owner }) });
  const parser = new TarParser();
  const pass = (bytes: Uint8Array): void => {
    for (const event of parser.push(bytes)) writer.handle(event);
  };
  try {
    read(new TreeReader(pass, xattrsOf));
    pass(TAR_END);
    parser.finish();
    writer.finish();
  } finally {
    writer.abandon();
  }
}

/** Those that are missing on the way to a path without links, for their new owner. @throws OperationError `invalid` where a file is in the way. */
export function makeFolders(root: ConfinedRoot, path: Buffer, owner: Owner): void {
  const { uid, gid } = ownerOnDisk(owner);
  const parts = path
    .toString("latin1")
    .split("/")
    .filter(part => part !== "");
  for (const [index, part] of parts.entries()) {
    const folder = root.openFolder(Buffer.from(`/${parts.slice(0, index).join("/")}`, "latin1"));
    const at = nameIn(folder, Buffer.from(part, "latin1"));
    try {
      mkdirSync(at, FOLDER_MODE);
      lchownSync(at, uid, gid);
    } catch (error) {
      if (errnoCode(error) !== "EEXIST") throw error;
      const so = Buffer.from(`/${parts.slice(0, index + 1).join("/")}`, "latin1");
      if (!isFolder(root, so)) throw new OperationError("invalid", `Cannot mkdir: ${so.toString("utf8")} is not a directory`);
    } finally {
      closeSync(folder);
    }
  }
}

function chownFolder(root: ConfinedRoot, path: Buffer, owner: Owner): void {
  const { uid, gid } = ownerOnDisk(owner);
  const [parent, name] = splitPath(path);
  if (name.length === 0) return;
  const folder = root.openFolder(parent);
  try {
    lchownSync(nameIn(folder, name), uid, gid);
  } finally {
    closeSync(folder);
  }
}

function isFolder(root: ConfinedRoot, path: Buffer): boolean {
  return resolvePath(root, path.toString("latin1").slice(1)).type === "folder";
}

function splitPath(path: Buffer): readonly [folder: Buffer, name: Buffer] {
  const at = path.lastIndexOf("/");
  return [at <= 0 ? Buffer.from("/") : path.subarray(0, at), path.subarray(at + 1)];
}
