import { readFileSync, readlinkSync } from "node:fs";
import { closeFd, declareChecked } from "./libc.ts";

const socket = declareChecked<[domain: number, type: number, protocol: number]>(
  "socket",
  "int socket(int domain, int type, int protocol)",
);
const sendto = declareChecked<[fd: number, data: Buffer, size: number, flags: number, address: Buffer, length: number]>(
  "sendto",
  "long sendto(int fd, const void *data, size_t size, int flags, const void *address, uint length)",
);
const fcntl = declareChecked<[fd: number, command: number, argument: number]>(
  "fcntl",
  "int fcntl(int fd, int command, int argument)",
);

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const FIRST_FD = 3;

/** What tells systemd, or whoever started this process in its way, how it is. @see sd_notify(3). */
export interface ServiceManager {
  /** `READY=1`, `STOPPING=1`, …: one or more lines. Does nothing where nobody asked to be told. */
  notify(...assignments: readonly string[]): void;
  /** Sockets that were opened for this process before it was started. @see sd_listen_fds(3). */
  readonly sockets: readonly InheritedSocket[];
}

export interface InheritedSocket {
  readonly fd: number;
  readonly kind: "unix" | "tcp";
}

/** Taken from the environment once: children shall not believe that it is theirs. */
export function takeServiceManager(environment: NodeJS.ProcessEnv = process.env): ServiceManager {
  const { NOTIFY_SOCKET: path, LISTEN_PID: pid, LISTEN_FDS: count } = environment;
  for (const name of ["NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete environment[name];
  const isForUs = Number(pid) === process.pid;
  const fds = Array.from({ length: isForUs ? Number(count) || 0 : 0 }, (_, index) => FIRST_FD + index);
  for (const fd of fds) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return {
    notify: (...assignments) => {
      if (path !== undefined && path !== "") send(path, assignments.join("\n"));
    },
    sockets: fds.map(fd => ({ fd, kind: isUnixSocket(fd) ? "unix" : "tcp" })),
  };
}

/** A leading `@` stands for the zero byte of an abstract name. */
function send(path: string, text: string): void {
  const name = Buffer.from(path);
  if (name[0] === 0x40) name[0] = 0;
  const address = Buffer.alloc(2 + name.byteLength + (name[0] === 0 ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  const data = Buffer.from(text);
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    sendto(fd, data, data.byteLength, MSG_NOSIGNAL, address, address.byteLength);
  } finally {
    closeFd(fd);
  }
}

function isUnixSocket(fd: number): boolean {
  const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
  if (inode === undefined) return false;
  const INODE_COLUMN = 6;
  return readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .some(line => line.split(/\s+/)[INODE_COLUMN] === inode);
}
