import { closeSync, constants, fstatSync, readFileSync, readlinkSync } from "node:fs";
import { OperationError } from "../../lib/errors.ts";
import { koffi, SystemCallError } from "../libc.ts";

const { O_DIRECTORY, O_NOFOLLOW } = constants;
export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;
const SYS_OPENAT2 = 437; // On every architecture.
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
const RESOLVE_IN_ROOT = 0x10;
const OPEN_HOW_BYTES = 24;
/** The kernel gives up on `..` while somebody renames; it is then tried again. */
const TRIES_MAX = 64;

const openat2 = koffi
  .load("libc.so.6")
  .func("long syscall(long number, int dirfd, const uint8_t *path, const uint8_t *how, size_t size)") as unknown as (
  number: number,
  dirfd: number,
  path: Uint8Array,
  how: Uint8Array,
  size: number,
) => number;

/**
 * A tree that no name leads out of: every path is resolved by the kernel with this root, links included, whoever changes it meanwhile.
 * What is done to a last component is done through an open folder and never follows a link.
 */
export class ConfinedRoot {
  readonly fd: number;

  /** Takes the descriptor over. */
  constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * @param options.isBeneath - A link that leads out is an error (EXDEV), where else this root would be its `/`.
   * @throws SystemCallError.
   */
  open(
    path: Buffer | string,
    options: { readonly flags: number; readonly followsLinks?: boolean; readonly isBeneath?: boolean },
  ): number {
    const { flags, followsLinks = true, isBeneath = false } = options;
    const scope = isBeneath ? RESOLVE_BENEATH : RESOLVE_IN_ROOT;
    return openConfined(this.fd, path, { flags, resolve: scope | (followsLinks ? 0 : RESOLVE_NO_SYMLINKS) });
  }

  openFolder(path: Buffer | string): number {
    return this.open(path, { flags: O_PATH | O_DIRECTORY });
  }

  close(): void {
    closeSync(this.fd);
  }
}

function openConfined(
  rootFd: number,
  path: Buffer | string,
  { flags, resolve }: { readonly flags: number; readonly resolve: number },
): number {
  const how = Buffer.alloc(OPEN_HOW_BYTES);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_NO_MAGICLINKS | resolve), 16);
  const bytes = Buffer.concat([typeof path === "string" ? Buffer.from(path) : path, Buffer.alloc(1)]);
  for (let tries = 1; ; tries++) {
    const fd = Number(openat2(SYS_OPENAT2, rootFd, bytes.length === 1 ? Buffer.from(".\0") : bytes, how, OPEN_HOW_BYTES));
    if (fd >= 0) return fd;
    const error = new SystemCallError("openat2", koffi.errno());
    if (error.code !== "EAGAIN" || tries >= TRIES_MAX) throw error;
  }
}

/** A name in an open folder, as a path for calls that do not follow a link in their last component. */
export function nameIn(folderFd: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folderFd}/`), name]);
}

/** The thing a descriptor of any kind stands for. */
export function itself(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** The root of a process. @throws OperationError `not-found` when it has ended. */
export function openProcessRoot({ pid, startTicks }: { readonly pid: number; readonly startTicks: number }): ConfinedRoot {
  const root = new ConfinedRoot(openPlain(`/proc/${pid}/root`));
  // Read after the root was opened: if the process is still the same, it was so then.
  if (startTicksOf(pid) === startTicks) return root;
  root.close();
  throw new OperationError("not-found", "the container's process has ended");
}

export function openFolderRoot(path: string): ConfinedRoot {
  return new ConfinedRoot(openPlain(path));
}

function openPlain(path: string): number {
  const how = Buffer.alloc(OPEN_HOW_BYTES);
  how.writeBigUInt64LE(BigInt(O_PATH | O_DIRECTORY | O_CLOEXEC), 0);
  const fd = Number(openat2(SYS_OPENAT2, AT_FDCWD, Buffer.from(`${path}\0`), how, OPEN_HOW_BYTES));
  if (fd < 0) throw new SystemCallError("openat2", koffi.errno());
  return fd;
}

function startTicksOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[19]);
  } catch {
    return undefined;
  }
}

const LINKS_MAX = 255;

/** Where a link leads, as far as that exists. For people and for asking again: the answer is resolved anew when it is used. */
export function followedPath(root: ConfinedRoot, path: Buffer): Buffer {
  let rest = path.toString("latin1").split("/");
  let resolved: string[] = [];
  for (let links = 0; rest.length > 0; ) {
    const [part = "", ...others] = rest;
    rest = others;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      resolved.pop();
      continue;
    }
    const target = linkIn(root, resolved, part);
    if (target === undefined) resolved.push(part);
    else if (++links > LINKS_MAX) throw new OperationError("invalid", "too many links");
    else {
      if (target.startsWith("/")) resolved = [];
      rest = [...target.split("/"), ...rest];
    }
  }
  return Buffer.from(`/${resolved.join("/")}`, "latin1");
}

function linkIn(root: ConfinedRoot, folder: readonly string[], name: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = root.open(Buffer.from([...folder, name].join("/"), "latin1"), { flags: O_PATH | O_NOFOLLOW });
    return fstatSync(fd).isSymbolicLink() ? readLink(fd) : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const readlinkat = koffi
  .load("libc.so.6")
  .func("long readlinkat(int dirfd, const char *path, uint8_t *buffer, size_t size)") as unknown as (
  dirfd: number,
  path: string,
  buffer: Uint8Array,
  size: number,
) => number;
const LINK_BYTES_MAX = 4096;

/** Of a link that is open as itself. */
function readLink(fd: number): string | undefined {
  const buffer = Buffer.alloc(LINK_BYTES_MAX);
  const count = Number(readlinkat(fd, "", buffer, buffer.length));
  return count < 0 ? undefined : buffer.toString("latin1", 0, count);
}

export function readLinkIn(folderFd: number, name: Buffer): Buffer {
  return readlinkSync(nameIn(folderFd, name), { encoding: "buffer" });
}
