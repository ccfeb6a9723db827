import { closeFd, declareChecked, SystemCallError } from "./libc.ts";

const pidfdOpen = declareChecked<[call: number, pid: number, flags: number]>(
  "pidfd_open",
  "long syscall(long call, int pid, uint flags)",
);
const poll = declareChecked<[entries: Buffer, count: number, timeoutMs: number]>(
  "poll",
  "int poll(_Inout_ uint8_t *entries, ulong count, int timeoutMs)",
);

/** The same number on every architecture. */
const SYS_PIDFD_OPEN = 434;
const POLLIN = 1;
const ENTRY_BYTES = 8;
const REVENTS_OFFSET = 6;

const watched = new Map<number, () => void>();
let timer: NodeJS.Timeout | undefined;

/** Every process is asked for by one system call, so thousands cost microseconds. */
const CHECK_PERIOD_MS = 500;

/**
 * Calls back when a process that is not this one's child has ended (a zombie counts as ended), within half a second.
 * A descriptor names the process for good, whatever becomes of its pid. Does not keep the event loop alive.
 *
 * @returns a function that ends the watch; `undefined` when there is no such process now.
 * @throws SystemCallError where it cannot be watched, which says nothing about the process.
 */
export function watchProcess(pid: number, onEnd: () => void): (() => void) | undefined {
  const fd = open(pid);
  if (fd === undefined) return undefined;
  watched.set(fd, onEnd);
  timer ??= setInterval(check, CHECK_PERIOD_MS).unref();
  return () => unwatch(fd);
}

function open(pid: number): number | undefined {
  if (pid <= 0) return undefined;
  try {
    return pidfdOpen(SYS_PIDFD_OPEN, pid, 0);
  } catch (error) {
    // The others: the pid is a thread's by now.
    if (error instanceof SystemCallError && ["ESRCH", "EINVAL", "ENOENT"].includes(error.code)) return undefined;
    throw error;
  }
}

function unwatch(fd: number): void {
  if (!watched.delete(fd)) return;
  closeFd(fd);
  if (watched.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

function check(): void {
  const fds = [...watched.keys()];
  const entries = Buffer.alloc(fds.length * ENTRY_BYTES);
  fds.forEach((fd, index) => {
    entries.writeInt32LE(fd, index * ENTRY_BYTES);
    entries.writeInt16LE(POLLIN, index * ENTRY_BYTES + 4);
  });
  try {
    if (poll(entries, fds.length, 0) === 0) return;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "EINTR") return;
    throw error;
  }
  fds.forEach((fd, index) => {
    if (entries.readInt16LE(index * ENTRY_BYTES + REVENTS_OFFSET) === 0) return;
    const onEnd = watched.get(fd);
    unwatch(fd);
    onEnd?.();
  });
}
