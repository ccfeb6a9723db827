import { getSystemErrorName } from "node:util";
import koffi from "koffi";

/** The one place where C functions are declared. Each is checked: a failure throws with the call's name and errno. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  /** Node's name of the errno: `ENOENT` say. */
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = errno > 0 ? getSystemErrorName(-errno) : "UNKNOWN";
    super(`${call}: ${code}`);
    this.code = code;
  }
}

const library = koffi.load("libc.so.6");

type Callable<Args extends unknown[]> = ((...args: Args) => number) & {
  async(...args: [...Args, (error: Error | null, result: number) => void]): void;
};

/** Declares a function that returns -1 and sets errno when it fails. */
function declare<Args extends unknown[]>(prototype: string): Callable<Args> {
  return library.func(prototype) as unknown as Callable<Args>;
}

function checked<Args extends unknown[]>(name: string, prototype: string): (...args: Args) => number {
  const call = declare<Args>(prototype);
  return (...args) => {
    const result = Number(call(...args));
    if (result < 0) throw new SystemCallError(name, koffi.errno());
    return result;
  };
}

/**
 * Runs in the libuv pool, for calls that may wait for the kernel. errno belongs to the pool's thread and cannot be read here,
 * so a failure is reported without it; repeat the call with the synchronous twin where the reason matters.
 */
function checkedAsync<Args extends unknown[]>(name: string, prototype: string): (...args: Args) => Promise<void> {
  const call = declare<Args>(prototype);
  return (...args) =>
    new Promise((resolve, reject) => {
      call.async(...args, (error, result) => {
        if (error !== null) reject(error);
        else if (Number(result) < 0) reject(new SystemCallError(name, 0));
        else resolve();
      });
    });
}

const MOUNT = "int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)";
const UMOUNT = "int umount2(const char *target, int flags)";

export const mount = checked<[source: string, target: string, type: string | null, flags: number, data: string | null]>(
  "mount",
  MOUNT,
);
export const mountAsync = checkedAsync<[source: string, target: string, type: string | null, flags: number, data: string | null]>(
  "mount",
  MOUNT,
);
export const umount2 = checked<[target: string, flags: number]>("umount2", UMOUNT);
export const umount2Async = checkedAsync<[target: string, flags: number]>("umount2", UMOUNT);
export const setns = checked<[fd: number, type: number]>("setns", "int setns(int fd, int type)");
export const unshare = checked<[flags: number]>("unshare", "int unshare(int flags)");
export const closeFd = checked<[fd: number]>("close", "int close(int fd)");
const fcntl = checked<[fd: number, command: number, argument: number]>("fcntl", "int fcntl(int fd, int command, int argument)");
const F_DUPFD_CLOEXEC = 1030;
/** Another number of the same file, which no child program inherits. */
export function duplicateFd(fd: number): number {
  return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
export const chroot = checked<[path: string]>("chroot", "int chroot(const char *path)");
export const mknod = checked<[path: string, mode: number, device: number]>(
  "mknod",
  "int mknod(const char *path, uint mode, ulong device)",
);
export const lsetxattr = checked<[path: string, name: string, value: Uint8Array, size: number, flags: number]>(
  "lsetxattr",
  "int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)",
);

/** Flags, from linux/mount.h and linux/sched.h. */
export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_REMOUNT = 32;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_PRIVATE = 1 << 18;
export const MNT_DETACH = 2;
export const CLONE_NEWNET = 0x40000000;

/** For the other modules of `system/` that need a function of their own; keep the declaration beside its only user. */
export { checked as declareChecked, declare as declareUnchecked, koffi };
