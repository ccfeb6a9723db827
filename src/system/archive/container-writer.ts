import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { errnoCode, OperationError } from "../../lib/errors.ts";
import type { TarEntry, TarEvent } from "../../lib/tar/entry.ts";
import { type Owner, ROOT } from "../../model/id-map.ts";
import { resolveMemberPath } from "../../lib/tar/path.ts";
import { SystemCallError } from "../libc.ts";
import { type ConfinedRoot, nameIn } from "./confined-root.ts";
import { ownerOnDisk } from "./mapped-ids.ts";
import { KEPT_XATTRS, makeNode, S_IFBLK, S_IFCHR, S_IFIFO, setOpenXattr } from "./node-calls.ts";
import { openFolderIn, sortedNames } from "./tree-reader.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

export interface ContainerWriterOptions {
  readonly root: ConfinedRoot;
  /** Where the archive goes; absolute, of a folder. */
  readonly base: Buffer;
  readonly keepsKinds: boolean;
  /** Everything becomes theirs; missing: as the archive says. */
  readonly owner?: Owner;
}

/**
 * Writes an archive into the tree of a container that may change it meanwhile. Each parent is resolved by the kernel inside the root and
 * held open; what is done in it names one component and follows no link. Synchronous.
 */
export class ContainerWriter {
  readonly #options: ContainerWriterOptions;
  readonly #folderTimes: { readonly path: Buffer; readonly mtimeSeconds: number }[] = [];
  #open: { readonly fd: number; readonly entry: TarEntry } | undefined;
  /** The folder that the last entry went into: the next one is likely to go there too. */
  #parent: { readonly path: Buffer; readonly fd: number } | undefined;

  constructor(options: ContainerWriterOptions) {
    this.#options = options;
  }

  handle(event: TarEvent): void {
    if (event.kind === "entry") this.#begin(event.entry);
    else if (event.kind === "data") this.#write(event);
    else this.#end();
  }

  /** Sets what later writes would have changed. */
  finish(): void {
    for (const { path, mtimeSeconds } of this.#folderTimes.reverse()) {
      const fd = this.#tryOpenFolder(path, O_RDONLY);
      if (fd === undefined) continue;
      futimesSync(fd, mtimeSeconds, mtimeSeconds);
      closeSync(fd);
    }
  }

  abandon(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
    this.#forgetParent();
  }

  #begin(entry: TarEntry): void {
    const path = memberPath(entry.path, name => `invalid entry name ${name}`);
    if (path.length === 1) {
      if (entry.type === "directory") return; // The folder itself stays as it is.
      throw new OperationError("invalid", `invalid entry name ${show(entry.path)}`);
    }
    const { folder, name } = split(path);
    const at = nameIn(this.#enter(folder), name);
    const present = lstatIfThere(at);
    const isMerged = present?.isDirectory() === true && entry.type === "directory";
    if (present !== undefined && !isMerged) {
      this.#checkKinds(entry, present);
      removeTree(this.#enter(folder), name);
    }
    this.#make(entry, { at, path, isMerged });
    if (entry.type !== "file") this.#forgetParentUnlessPlain(entry, isMerged);
  }

  #checkKinds(entry: TarEntry, present: Stats): void {
    if (!this.#options.keepsKinds) return;
    const [base, shown] = [
      show(this.#options.base),
      show(Buffer.from(entry.path.toString("latin1").replace(/\/+$/, ""), "latin1")),
    ];
    if (present.isDirectory()) {
      throw new OperationError("invalid", `cannot overwrite directory ${shown} with non-directory ${base}`);
    }
    if (entry.type === "directory") {
      throw new OperationError("invalid", `cannot overwrite non-directory ${shown} with directory ${base}`);
    }
  }

  #make(entry: TarEntry, place: { readonly at: Buffer; readonly path: Buffer; readonly isMerged: boolean }): void {
    const { at, path, isMerged } = place;
    const { uid, gid } = this.#ownerOf(entry);
    const device = { major: entry.deviceMajor, minor: entry.deviceMinor };
    const mode = entry.mode & 0o7777;
    switch (entry.type) {
      case "file":
        this.#open = { fd: openSync(at, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), entry };
        return;
      case "directory":
        if (!isMerged) mkdirSync(at, 0o700);
        return this.#finishFolder(entry, { at, path });
      case "hard-link":
        return this.#hardLink(entry, at);
      case "symlink":
        symlinkSync(entry.linkPath, at);
        break;
      case "character-device":
        makeNode(at, S_IFCHR | mode, device);
        break;
      case "block-device":
        makeNode(at, S_IFBLK | mode, device);
        break;
      case "fifo":
        makeNode(at, S_IFIFO | mode, { major: 0, minor: 0 });
        break;
    }
    lchownSync(at, uid, gid);
    lutimesSync(at, entry.mtimeSeconds, entry.mtimeSeconds);
  }

  #finishFolder(entry: TarEntry, { at, path }: { readonly at: Buffer; readonly path: Buffer }): void {
    const fd = openSync(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      const { uid, gid } = this.#ownerOf(entry);
      fchownSync(fd, uid, gid);
      for (const [name, value] of entry.xattrs) if (KEPT_XATTRS.test(name)) setOpenXattr(fd, name, value);
      fchmodSync(fd, entry.mode & 0o7777);
    } finally {
      closeSync(fd);
    }
    this.#folderTimes.push({ path, mtimeSeconds: entry.mtimeSeconds });
  }

  #hardLink(entry: TarEntry, at: Buffer): void {
    const target = memberPath(entry.linkPath, name => `invalid hardlink target ${name}`);
    const { folder, name } = split(target);
    const fd = this.#tryOpenFolder(folder);
    if (fd === undefined) throw new OperationError("not-found", show(entry.linkPath));
    try {
      linkSync(nameIn(fd, name), at);
    } catch (error) {
      if (errnoCode(error) === "ENOENT") throw new OperationError("not-found", show(entry.linkPath), { cause: error });
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  #write({ offsetBytes, bytes }: Extract<TarEvent, { kind: "data" }>): void {
    if (this.#open === undefined) return;
    let written = 0;
    while (written < bytes.length)
      written += writeSync(this.#open.fd, bytes, written, bytes.length - written, offsetBytes + written);
  }

  /** Through the open file, whatever has its name by now. Owner before mode and attributes: a change of owner clears them. */
  #end(): void {
    if (this.#open === undefined) return;
    const { fd, entry } = this.#open;
    const { uid, gid } = this.#ownerOf(entry);
    ftruncateSync(fd, entry.sizeBytes);
    fchownSync(fd, uid, gid);
    for (const [name, value] of entry.xattrs) if (KEPT_XATTRS.test(name)) setOpenXattr(fd, name, value);
    fchmodSync(fd, entry.mode & 0o7777);
    futimesSync(fd, entry.mtimeSeconds, entry.mtimeSeconds);
    closeSync(fd);
    this.#open = undefined;
  }

  /** An open folder of the archive, made where it is missing. */
  #enter(folder: Buffer): number {
    if (this.#parent?.path.equals(folder) === true) return this.#parent.fd;
    this.#forgetParent();
    const fd = this.#tryOpenFolder(folder) ?? this.#makeFolder(folder);
    this.#parent = { path: folder, fd };
    return fd;
  }

  /** On the disk. */
  #ownerOf(named: Owner): Owner {
    return ownerOnDisk(this.#options.owner ?? named);
  }

  #makeFolder(path: Buffer): number {
    if (path.length <= 1) throw new OperationError("not-found", this.#options.base.toString("utf8"));
    const { folder, name } = split(path);
    const parent = this.#tryOpenFolder(folder) ?? this.#makeFolder(folder);
    try {
      mkdirSync(nameIn(parent, name), 0o755);
      const { uid, gid } = this.#ownerOf(ROOT);
      lchownSync(nameIn(parent, name), uid, gid);
    } finally {
      closeSync(parent);
    }
    const made = this.#tryOpenFolder(path);
    if (made === undefined) throw new OperationError("invalid", `${show(path)} was taken away while it was written`);
    return made;
  }

  /** `undefined` when there is none of that name. */
  #tryOpenFolder(path: Buffer, flags = O_RDONLY): number | undefined {
    const { root, base } = this.#options;
    try {
      return root.open(Buffer.concat([base, Buffer.from("/"), path]), { flags: flags | O_DIRECTORY });
    } catch (error) {
      if (error instanceof SystemCallError && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** A link or a replaced folder can change where the same path leads. */
  #forgetParentUnlessPlain(entry: TarEntry, isMerged: boolean): void {
    if (entry.type === "symlink" || (entry.type === "directory" && !isMerged)) this.#forgetParent();
  }

  #forgetParent(): void {
    if (this.#parent !== undefined) closeSync(this.#parent.fd);
    this.#parent = undefined;
  }
}

/** Folder by folder through open ones, so that a link put in the way is removed and never followed. */
function removeTree(folderFd: number, name: Buffer): void {
  const at = nameIn(folderFd, name);
  if (lstatIfThere(at)?.isDirectory() !== true) return unlinkSync(at);
  const fd = openFolderIn(folderFd, name);
  if (fd !== undefined) {
    try {
      for (const child of sortedNames(fd)) removeTree(fd, child);
    } finally {
      closeSync(fd);
    }
  }
  rmdirSync(at);
}

function memberPath(path: Buffer, message: (shown: string) => string): Buffer {
  try {
    return resolveMemberPath(path);
  } catch (error) {
    throw new OperationError("invalid", message(show(path)), { cause: error });
  }
}

function split(path: Buffer): { readonly folder: Buffer; readonly name: Buffer } {
  const at = path.lastIndexOf(0x2f);
  return { folder: at <= 0 ? Buffer.from("/") : path.subarray(0, at), name: path.subarray(at + 1) };
}

function lstatIfThere(path: Buffer): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

function show(path: Buffer): string {
  return JSON.stringify(path.toString("utf8"));
}
