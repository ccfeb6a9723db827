import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { closeFd, declareUnchecked, koffi, mknod, SystemCallError } from "./libc.ts";

const S_IFCHR = 0o020000;
const MODE = 0o666;
/** Major 1, minor 3. @see null(4) */
const NULL_DEVICE = (1 << 8) | 3;

/** On every architecture. */
const [SYS_FSOPEN, SYS_FSCONFIG, SYS_FSMOUNT] = [430, 431, 432];
const [FSOPEN_CLOEXEC, FSCONFIG_CMD_CREATE, FSMOUNT_CLOEXEC] = [1, 6, 1];
const MOUNT_ATTR_NOSUID = 2;
const MOUNT_ATTR_NOEXEC = 8;

const openFileSystem = declareUnchecked<[number: number, type: string, flags: number]>(
  "long syscall(long number, const char *type, uint flags)",
);
const configure = declareUnchecked<[number: number, fd: number, command: number, key: null, value: null, extra: number]>(
  "long syscall(long number, int fd, uint command, const char *key, const void *value, int extra)",
);
const mountFileSystem = declareUnchecked<[number: number, fd: number, flags: number, attributes: number]>(
  "long syscall(long number, int fd, uint flags, uint attributes)",
);

/** What `openPrivateNull` gives. */
export interface OpenNull extends Disposable {
  readonly fd: number;
}

/**
 * The null device by a file that is nobody else's, in a file system that is mounted nowhere and goes with it; whoever looks reads `/dev/null`.
 * Who is given an open file may change its owner and mode, and crun 1.8 does the first itself: with the host's it would be the host's.
 */
export function openPrivateNull(): OpenNull {
  const rootFd = mountNowhere();
  try {
    const folder = `/proc/self/fd/${rootFd}/dev`;
    mkdirSync(folder, { mode: 0o755 });
    mknod(`${folder}/null`, S_IFCHR | MODE, NULL_DEVICE);
    chmodSync(`${folder}/null`, MODE); // Whatever this process's umask is.
    const fd = openSync(`${folder}/null`, "r+");
    return { fd, [Symbol.dispose]: () => closeSync(fd) };
  } finally {
    closeFd(rootFd);
  }
}

/** A tmpfs. @returns its root. */
function mountNowhere(): number {
  const fd = checked("fsopen", openFileSystem(SYS_FSOPEN, "tmpfs", FSOPEN_CLOEXEC));
  try {
    checked("fsconfig", configure(SYS_FSCONFIG, fd, FSCONFIG_CMD_CREATE, null, null, 0));
    const attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    return checked("fsmount", mountFileSystem(SYS_FSMOUNT, fd, FSMOUNT_CLOEXEC, attributes));
  } finally {
    closeFd(fd);
  }
}

function checked(call: string, result: number): number {
  if (result < 0) throw new SystemCallError(call, koffi.errno());
  return Number(result);
}
