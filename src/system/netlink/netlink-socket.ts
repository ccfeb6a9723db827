import { readSync, write as writeFile } from "node:fs";
import { getSystemErrorName } from "node:util";
import { closeFd, declareChecked } from "../libc.ts";
import { decodeAnswers, encodeMessages, type NetlinkMessage } from "./message.ts";

const socket = declareChecked<[domain: number, type: number, protocol: number]>(
  "socket",
  "int socket(int domain, int type, int protocol)",
);
const ioctl = declareChecked<[fd: number, request: number, argument: Buffer]>(
  "ioctl",
  "int ioctl(int fd, ulong request, _Inout_ void *argument)",
);

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const NETLINK_ROUTE = 0;
const SIOCGIFINDEX = 0x8933;
const INTERFACE_NAME_BYTES = 16;
const INTERFACE_REQUEST_BYTES = 40;
const ANSWER_BYTES_MAX = 64 * 1024;

/** In the network namespace of the thread that calls. @returns the socket's file. */
export function openRouteSocket(): number {
  return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
}

/** The number of a device in the socket's namespace. The kernel takes no lock for it. @throws SystemCallError when there is none of that name. */
export function deviceNumber(fd: number, name: string): number {
  const request = Buffer.alloc(INTERFACE_REQUEST_BYTES);
  request.write(name, 0, INTERFACE_NAME_BYTES - 1, "latin1");
  ioctl(fd, SIOCGIFINDEX, request);
  return request.readInt32LE(INTERFACE_NAME_BYTES);
}

/**
 * Asks the kernel for changes over a socket of the namespace that it was opened in. The kernel does them while they are written, which may
 * wait long for a lock: in the libuv pool. Never two calls at once.
 */
export class NetlinkSocket implements Disposable {
  readonly #fd: number;
  readonly #received = Buffer.alloc(ANSWER_BYTES_MAX);
  #lastSequence = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** @param fd - Becomes this object's. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * @param messages - Made when their turn has come, since devices that they name may be made until then.
   * @returns for each whether it was done: the name of what was wrong with it, or `undefined`.
   */
  send(messages: () => readonly NetlinkMessage[]): Promise<readonly (string | undefined)[]> {
    const done = this.#tail.then(() => this.#send(messages()));
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** Of a device in its namespace. @throws SystemCallError when there is none of that name. */
  deviceNumber(name: string): number {
    return deviceNumber(this.#fd, name);
  }

  /** Waits for what is under way before it closes. Twice is safe. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#tail.then(() => closeFd(this.#fd));
  }

  async #send(messages: readonly NetlinkMessage[]): Promise<readonly (string | undefined)[]> {
    if (messages.length === 0) return [];
    const first = this.#lastSequence + 1;
    this.#lastSequence += messages.length;
    await this.#write(encodeMessages(messages, first));
    const outcomes = new Map<number, number>();
    while (outcomes.size < messages.length) {
      const bytes = readSync(this.#fd, this.#received); // The answers are there when the write is over.
      for (const { sequence, errno } of decodeAnswers(this.#received.subarray(0, bytes))) {
        if (sequence >= first) outcomes.set(sequence, errno);
      }
    }
    return messages.map((_, index) => {
      const errno = outcomes.get(first + index) ?? 0;
      return errno === 0 ? undefined : getSystemErrorName(-errno);
    });
  }

  #write(packet: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      writeFile(this.#fd, packet, error => (error === null ? resolve() : reject(error)));
    });
  }
}
