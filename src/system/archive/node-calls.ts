import { chmodSync } from "node:fs";
import { declareChecked, SystemCallError } from "../libc.ts";

/** Calls on paths given as bytes, which need not be UTF-8. */
const mknodBytes = declareChecked<[path: Uint8Array, mode: number, device: number]>(
  "mknod",
  "int mknod(const uint8_t *path, uint mode, ulong device)",
);
const lsetxattrBytes = declareChecked<[path: Uint8Array, name: string, value: Uint8Array, size: number, flags: number]>(
  "lsetxattr",
  "int lsetxattr(const uint8_t *path, const char *name, const uint8_t *value, size_t size, int flags)",
);
export const fchdir = declareChecked<[fd: number]>("fchdir", "int fchdir(int fd)");
export const syncfs = declareChecked<[fd: number]>("syncfs", "int syncfs(int fd)");

const prctl = declareChecked<[option: number, a: number, b: number, c: number, d: number]>(
  "prctl",
  "int prctl(int option, ulong a, ulong b, ulong c, ulong d)",
);
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** Ends this process with the one that started it, however that ends: a successor must find nobody writing into its folders. */
export function dieWithParent(): void {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;

export function makeNode(path: Buffer, mode: number, { major, minor }: { readonly major: number; readonly minor: number }): void {
  mknodBytes(terminated(path), mode, deviceNumber(major, minor));
}

/** A file system without such attributes is no reason to refuse an image. */
export function setXattr(path: Buffer, name: string, value: Buffer): void {
  try {
    lsetxattrBytes(terminated(path), name, value.length === 0 ? Buffer.alloc(1) : value, value.length, 0);
  } catch (error) {
    const code = error instanceof SystemCallError ? error.code : "";
    // Links and devices take no user attributes at all: EPERM.
    const isUnsupported = code === "ENOTSUP" || code === "EOPNOTSUPP" || (code === "EPERM" && name.startsWith("user."));
    if (!isUnsupported || name.startsWith("trusted.overlay.")) throw error; // Without these, what is below would show through.
  }
}

/** Only for what is known not to be a symbolic link: it was made a moment ago, by the only writer. */
export function chmodNoFollow(path: Buffer, mode: number): void {
  chmodSync(path, mode);
}

/** The kernel's packing: twelve bits of major, twenty of minor, in glibc's 64-bit form. */
function deviceNumber(major: number, minor: number): number {
  const value =
    ((BigInt(major) & 0xfffn) << 8n) |
    ((BigInt(major) & 0xfffff000n) << 32n) |
    (BigInt(minor) & 0xffn) |
    ((BigInt(minor) & 0xffffff00n) << 12n);
  return Number(value);
}

function terminated(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.alloc(1)]);
}

const lgetxattrBytes = declareChecked<[path: Uint8Array, name: string, value: Uint8Array, size: number]>(
  "lgetxattr",
  "long lgetxattr(const uint8_t *path, const char *name, uint8_t *value, size_t size)",
);
const XATTR_BYTES_MAX = 64 * 1024;

/** `undefined` where there is none: also in a file system without, and of a file that is gone by now. @throws SystemCallError. */
export function getXattr(path: Buffer, name: string): Buffer | undefined {
  const value = Buffer.alloc(name === "security.capability" ? 64 : XATTR_BYTES_MAX);
  try {
    return value.subarray(0, lgetxattrBytes(terminated(path), name, value, value.length));
  } catch (error) {
    if (error instanceof SystemCallError && isWithoutXattrs(error)) return undefined;
    throw error;
  }
}

function isWithoutXattrs({ code }: SystemCallError): boolean {
  return ["ENODATA", "ENOTSUP", "EOPNOTSUPP", "ENOENT", "ENOTDIR"].includes(code);
}

const llistxattr = declareChecked<[path: Uint8Array, list: Uint8Array, size: number]>(
  "llistxattr",
  "long llistxattr(const uint8_t *path, uint8_t *list, size_t size)",
);
/** What a copy keeps: not what a file system or a security module notes for itself. */
export const KEPT_XATTRS = /^(security\.capability$|user\.(?!overlay\.))/;

/** Those of what is at a path that a copy keeps. */
export function keptXattrs(path: Buffer): ReadonlyMap<string, Buffer> {
  const list = Buffer.alloc(XATTR_BYTES_MAX);
  const names = list
    .toString("latin1", 0, listXattrs(path, list))
    .split("\0")
    .filter(name => KEPT_XATTRS.test(name));
  return new Map(
    names.flatMap(name => {
      const value = getXattr(path, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** @returns how many bytes of the list are names. */
function listXattrs(path: Buffer, list: Buffer): number {
  try {
    return llistxattr(terminated(path), list, list.length);
  } catch (error) {
    if (error instanceof SystemCallError && isWithoutXattrs(error)) return 0;
    throw error;
  }
}

const setxattrBytes = declareChecked<[path: string, name: string, value: Uint8Array, size: number, flags: number]>(
  "setxattr",
  "int setxattr(const char *path, const char *name, const uint8_t *value, size_t size, int flags)",
);

/** Of an open file. A file system that has no such attributes is no reason to fail. */
export function setOpenXattr(fd: number, name: string, value: Buffer): void {
  try {
    setxattrBytes(`/proc/self/fd/${fd}`, name, value.length === 0 ? Buffer.alloc(1) : value, value.length, 0);
  } catch (error) {
    if (!(error instanceof SystemCallError) || !["ENOTSUP", "EOPNOTSUPP", "EPERM"].includes(error.code)) throw error;
  }
}

const fcntl = declareChecked<[fd: number, command: number, argument: number]>(
  "fcntl",
  "int fcntl(int fd, int command, int argument)",
);
const [F_GETFL, F_SETFL, O_NONBLOCK] = [3, 4, 0o4000];

/** Reads and writes of this descriptor wait; a stream that was made of it once may have said otherwise. */
export function makeBlocking(fd: number): void {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK);
}
