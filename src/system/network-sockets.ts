import { closeSync } from "node:fs";
import { OperationError } from "../lib/errors.ts";
import type { HostPort, PortReservation } from "../ports/kernel-network.ts";
import { closeFd, declareChecked, SystemCallError } from "./libc.ts";
import { inNetworkNamespace } from "./namespace.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOCKADDR_BYTES = 16;
const BACKLOG = 64;

const socket = declareChecked<[domain: number, type: number, protocol: number]>(
  "socket",
  "int socket(int domain, int type, int protocol)",
);
const bind = declareChecked<[fd: number, address: Uint8Array, length: number]>(
  "bind",
  "int bind(int fd, const void *address, uint length)",
);
const listen = declareChecked<[fd: number, backlog: number]>("listen", "int listen(int fd, int backlog)");
const getsockname = declareChecked<[fd: number, address: Uint8Array, length: Uint32Array]>(
  "getsockname",
  "int getsockname(int fd, _Out_ void *address, _Inout_ uint *length)",
);

/**
 * Binds without listening: other programs get EADDRINUSE, while traffic that a firewall rule redirects passes.
 * @throws OperationError `conflict` when the port is in use, `invalid` when the address is not this host's.
 */
export function reservePort({ protocol, address, port }: HostPort): PortReservation {
  const fd = socket(AF_INET, (protocol === "tcp" ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  try {
    bind(fd, socketAddress(address, port), SOCKADDR_BYTES);
    return new Reservation(fd, portOf(fd));
  } catch (error) {
    closeFd(fd);
    if (!(error instanceof SystemCallError)) throw error;
    const isTaken = error.code === "EADDRINUSE";
    const reason = isTaken ? "address already in use" : "cannot assign requested address";
    throw new OperationError(isTaken ? "conflict" : "invalid", `listen ${protocol}4 ${address}:${port}: bind: ${reason}`, {
      cause: error,
    });
  }
}

class Reservation implements PortReservation {
  readonly port: number;
  readonly #fd: number;
  #isOpen = true;

  constructor(fd: number, port: number) {
    this.#fd = fd;
    this.port = port;
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#fd);
  }
}

/** Two sockets at free ports of an address in another namespace; TCP listens. */
export function openSocketPair(namespacePath: string, address: string): { readonly udp: number; readonly tcp: number } {
  return inNetworkNamespace(namespacePath, () => {
    const udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    try {
      const tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      try {
        bind(udp, socketAddress(address, 0), SOCKADDR_BYTES);
        bind(tcp, socketAddress(address, 0), SOCKADDR_BYTES);
        listen(tcp, BACKLOG);
        return { udp, tcp };
      } catch (error) {
        closeFd(tcp);
        throw error;
      }
    } catch (error) {
      closeFd(udp);
      throw error;
    }
  });
}

/** Not yet connected; it belongs to that namespace for good. */
export function openTcpSocket(namespacePath: string): number {
  return inNetworkNamespace(namespacePath, () => socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

export function portOf(fd: number): number {
  const address = new Uint8Array(SOCKADDR_BYTES);
  getsockname(fd, address, new Uint32Array([SOCKADDR_BYTES]));
  return ((address[2] ?? 0) << 8) | (address[3] ?? 0);
}

function socketAddress(address: string, port: number): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  new DataView(bytes.buffer).setUint16(0, AF_INET, true);
  new DataView(bytes.buffer).setUint16(2, port, false);
  bytes.set(address.split(".").map(Number), 4);
  return bytes;
}
