import {
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { errnoCode, OperationError } from "../../lib/errors.ts";
import { resolveMemberPath } from "../../lib/tar/path.ts";
import type { TarEntry, TarEvent } from "../../lib/tar/entry.ts";
import { ROOT } from "../../model/id-map.ts";
import { ownerOnDisk } from "./mapped-ids.ts";
import { chmodNoFollow, makeNode, setXattr, S_IFBLK, S_IFCHR, S_IFIFO } from "./node-calls.ts";

export interface TreeLimits {
  readonly isLayer: boolean;
  readonly bytesMax: number;
  readonly entriesMax: number;
}

/** Names of folders are kept until the end, for their times. */
const NAME_BYTES_MAX = 512 * 1024 * 1024;
const WHITEOUT_PREFIX = Buffer.from(".wh.");
const OPAQUE_MARKER = Buffer.from(".wh..wh..opq");
const AUFS_PREFIX = Buffer.from(".wh..wh.");
/** A layer may not say what overlayfs thinks of its files: a redirect could show it another image's. */
const FORBIDDEN_XATTRS = /^(trusted|user)\.overlay\./;
const OPAQUE_XATTR = "trusted.overlay.opaque";

/**
 * Writes an archive's members below `/`, which must be the target already (chroot): so no link can lead out of it.
 * Synchronous: it runs in a process of its own.
 */
export class TreeWriter {
  readonly #limits: TreeLimits;
  readonly #directoryTimes: { readonly path: Buffer; readonly mtimeSeconds: number }[] = [];
  #open: { readonly fd: number; readonly entry: TarEntry; readonly path: Buffer } | undefined;
  #sizeBytes = 0;
  #entries = 0;
  #nameBytes = 0;

  constructor(limits: TreeLimits) {
    this.#limits = limits;
    giveToRoot(Buffer.from("/")); // An archive need not name it.
  }

  handle(event: TarEvent): void {
    if (event.kind === "entry") this.#begin(event.entry);
    else if (event.kind === "data") this.#write(event);
    else this.#end();
  }

  /** Sets what later writes would have changed. */
  finish(): { readonly sizeBytes: number; readonly entries: number } {
    for (const { path, mtimeSeconds } of this.#directoryTimes.reverse()) {
      if (lstatIfThere(path)?.isDirectory() === true) utimesSync(path, mtimeSeconds, mtimeSeconds);
    }
    return { sizeBytes: this.#sizeBytes, entries: this.#entries };
  }

  /** Lets go of a file that was being written when something failed. */
  abandon(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #begin(entry: TarEntry): void {
    this.#entries++;
    // A link is as large as what it says, as the file system has it.
    this.#sizeBytes += entry.type === "symlink" ? entry.linkPath.length : entry.sizeBytes;
    const { bytesMax, entriesMax, isLayer } = this.#limits;
    if (this.#entries > entriesMax) throw new OperationError("invalid", `archive holds more than ${entriesMax} files`);
    this.#nameBytes += entry.path.length;
    if (this.#nameBytes > NAME_BYTES_MAX)
      throw new OperationError("invalid", `archive holds more than ${NAME_BYTES_MAX} bytes of names`);
    if (this.#sizeBytes > bytesMax) throw new OperationError("invalid", `archive unpacks to more than ${bytesMax} bytes`);
    const path = resolveMemberPath(entry.path);
    const { parent, name } = split(path);
    if (path.length > 1) makeParents(parent);
    if (isLayer && name.subarray(0, WHITEOUT_PREFIX.length).equals(WHITEOUT_PREFIX)) this.#whiteout(parent, name);
    else this.#create(entry, path);
  }

  #create(entry: TarEntry, path: Buffer): void {
    const present = lstatIfThere(path);
    const hidesLower = this.#limits.isLayer && present !== undefined && isWhiteoutDevice(present);
    if (present !== undefined && !(present.isDirectory() && entry.type === "directory")) {
      if (path.length === 1) throw new OperationError("invalid", "archive replaces its own root");
      rmSync(path, { recursive: true, force: true });
    }
    const isDirectoryThere = present?.isDirectory() === true && entry.type === "directory";
    this.#make(entry, path, isDirectoryThere);
    if (entry.type === "directory" && hidesLower) setXattr(path, OPAQUE_XATTR, Buffer.from("y"));
    if (this.#open === undefined) this.#finishEntry(entry, path);
  }

  #make(entry: TarEntry, path: Buffer, isDirectoryThere: boolean): void {
    const device = { major: entry.deviceMajor, minor: entry.deviceMinor };
    switch (entry.type) {
      case "file":
        this.#open = { fd: openSync(path, "wx", 0o600), entry, path };
        return;
      case "directory":
        if (!isDirectoryThere) mkdirSync(path, 0o700);
        return;
      case "symlink":
        return symlinkSync(entry.linkPath, path);
      case "hard-link":
        return this.#hardLink(entry, path);
      case "character-device":
        return makeNode(path, S_IFCHR | 0o600, device);
      case "block-device":
        return makeNode(path, S_IFBLK | 0o600, device);
      case "fifo":
        return makeNode(path, S_IFIFO | 0o600, { major: 0, minor: 0 });
    }
  }

  #hardLink(entry: TarEntry, path: Buffer): void {
    const target = resolveMemberPath(entry.linkPath);
    if (lstatIfThere(target)?.isDirectory() !== false) {
      throw new OperationError("invalid", `invalid hard link ${show(entry.path)} -> ${show(entry.linkPath)}`);
    }
    linkSync(target, path);
  }

  #write({ offsetBytes, bytes }: Extract<TarEvent, { kind: "data" }>): void {
    if (this.#open === undefined) return; // The data of a whiteout is of no meaning.
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(this.#open.fd, bytes, written, bytes.length - written, offsetBytes + written);
    }
  }

  #end(): void {
    if (this.#open === undefined) return;
    const { fd, entry, path } = this.#open;
    ftruncateSync(fd, entry.sizeBytes); // A sparse file may end in a hole.
    this.abandon();
    this.#finishEntry(entry, path);
  }

  /** Owner before mode and attributes: a change of owner clears setuid and capabilities. */
  #finishEntry(entry: TarEntry, path: Buffer): void {
    if (entry.type === "hard-link") return;
    const { uid, gid } = this.#limits.isLayer ? ownerOnDisk(entry) : entry;
    lchownSync(path, uid, gid);
    for (const [name, value] of entry.xattrs) if (!FORBIDDEN_XATTRS.test(name)) setXattr(path, name, value);
    if (entry.type !== "symlink") chmodNoFollow(path, entry.mode);
    if (entry.type === "directory") this.#directoryTimes.push({ path, mtimeSeconds: entry.mtimeSeconds });
    else lutimesSync(path, entry.mtimeSeconds, entry.mtimeSeconds);
  }

  /** A whiteout hides what lower layers have; what this layer itself has of that name stays, whatever the order. */
  #whiteout(parent: Buffer, name: Buffer): void {
    if (name.equals(OPAQUE_MARKER)) return setXattr(parent, OPAQUE_XATTR, Buffer.from("y"));
    if (name.subarray(0, AUFS_PREFIX.length).equals(AUFS_PREFIX)) return; // Of no meaning outside aufs.
    const hidden = resolveMemberPath(name.subarray(WHITEOUT_PREFIX.length));
    if (hidden.length === 1 || hidden.includes(0x2f, 1)) throw new OperationError("invalid", `invalid whiteout ${show(name)}`);
    const path = Buffer.concat([parent.length === 1 ? Buffer.alloc(0) : parent, hidden]);
    const present = lstatIfThere(path);
    if (present?.isDirectory() === true) setXattr(path, OPAQUE_XATTR, Buffer.from("y"));
    else if (present === undefined) makeNode(path, S_IFCHR, { major: 0, minor: 0 });
  }
}

function makeParents(path: Buffer): void {
  const present = lstatIfThere(path);
  if (present?.isDirectory() === true || path.length <= 1) return;
  // A link is followed: the root is the target, so it cannot lead out of it.
  if (present?.isSymbolicLink() === true) return;
  const hidesLower = present !== undefined && isWhiteoutDevice(present);
  if (hidesLower) unlinkSync(path);
  makeParents(split(path).parent);
  mkdirSync(path, 0o755);
  giveToRoot(path);
  if (hidesLower) setXattr(path, OPAQUE_XATTR, Buffer.from("y"));
}

/** What an archive does not name. */
function giveToRoot(path: Buffer): void {
  const { uid, gid } = ownerOnDisk(ROOT);
  if (uid !== 0 || gid !== 0) lchownSync(path, uid, gid);
}

function split(path: Buffer): { readonly parent: Buffer; readonly name: Buffer } {
  const at = path.lastIndexOf(0x2f);
  return { parent: at <= 0 ? Buffer.from("/") : path.subarray(0, at), name: path.subarray(at + 1) };
}

function isWhiteoutDevice(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
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
