import { closeSync, constants, openSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { closeFd, declareChecked, SystemCallError } from "./libc.ts";
import { descriptorControl, MSG_DONTWAIT, MSG_NOSIGNAL, messageOf, sendMessage } from "./message-header.ts";

const socket = declareChecked<[domain: number, type: number, protocol: number]>(
  "socket",
  "int socket(int domain, int type, int protocol)",
);
const connect = declareChecked<[fd: number, address: Buffer, length: number]>(
  "connect",
  "int connect(int fd, const void *address, int length)",
);
const createMemoryFile = declareChecked<[name: string, flags: number]>(
  "memfd_create",
  "int memfd_create(const char *name, uint flags)",
);
const control = declareChecked<[fd: number, command: number, argument: number]>(
  "fcntl",
  "int fcntl(int fd, int command, int argument)",
);

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const ADDRESS_BYTES = 110;
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/** Against shrinking, growing, writing and further seals: what journald asks of a file it shall read. */
const ALL_SEALS = 15;
/** Turns of the event loop in which a receiver that works has most likely read: its queue is ten messages long. */
const RETRY_TURNS = 16;
const RETRY_MS = 1;
const RETRY_MS_MAX = 100;
const NO_CONTROL = Buffer.alloc(0);

/** A datagram socket to a path: Node has none. */
export interface UnixDatagramSocket extends Disposable {
  /**
   * Resolves when it is in the receiver's queue; waits while that is full. What is too large for a datagram goes as a sealed file whose descriptor
   * is sent, as journald takes it. @throws SystemCallError when the receiver is gone.
   */
  send(data: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** @throws SystemCallError when nobody listens there. */
export function connectUnixDatagram(path: string): UnixDatagramSocket {
  const fd = connectFd(path);
  let isOpen = true;
  return {
    async send(data, { signal }) {
      // There is no way to be told when the receiver has read.
      for (let attempt = 0; ; attempt++) {
        signal.throwIfAborted();
        if (!isOpen) throw new SystemCallError("sendmsg", 0);
        if (sendNow(fd, data)) return;
        if (attempt < RETRY_TURNS) await turn();
        else await delay(Math.min(RETRY_MS * 2 ** (attempt - RETRY_TURNS), RETRY_MS_MAX));
      }
    },
    [Symbol.dispose]() {
      if (isOpen) closeFd(fd);
      isOpen = false;
    },
  };
}

/** @returns false when the receiver's queue is full. */
function sendNow(fd: number, data: Uint8Array): boolean {
  try {
    sendMessage(fd, messageOf(Buffer.from(data), NO_CONTROL), MSG_DONTWAIT | MSG_NOSIGNAL);
    return true;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    if (["EAGAIN", "EINTR"].includes(error.code)) return false;
    if (!["EMSGSIZE", "ENOBUFS"].includes(error.code)) throw error;
  }
  return sendAsFile(fd, data);
}

function sendAsFile(fd: number, data: Uint8Array): boolean {
  const file = createMemoryFile("journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  try {
    for (let written = 0; written < data.length; ) written += writeSync(file, data, written);
    control(file, F_ADD_SEALS, ALL_SEALS);
    sendMessage(fd, messageOf(Buffer.alloc(0), descriptorControl(file)), MSG_DONTWAIT | MSG_NOSIGNAL);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "EAGAIN") return false;
    throw error;
  } finally {
    closeSync(file);
  }
}

/** The path in the address is at most 107 bytes long; through the folder's descriptor any path is short. */
function connectFd(path: string): number {
  const folder = openSync(dirname(path), O_PATH | constants.O_DIRECTORY);
  try {
    const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    try {
      const shortPath = `/proc/self/fd/${folder}/${basename(path)}`;
      const address = Buffer.alloc(ADDRESS_BYTES);
      address.writeUInt16LE(AF_UNIX, 0);
      address.write(shortPath, 2);
      connect(fd, address, 2 + shortPath.length + 1);
      return fd;
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  } finally {
    closeSync(folder);
  }
}
