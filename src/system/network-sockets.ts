import { OperationError } from "../lib/errors.ts";
import { parseIp } from "../lib/ip-address.ts";
import type { HostPort } from "../ports/kernel-network.ts";
import { closeFd, declareChecked, SystemCallError } from "./libc.ts";
import { inNetworkNamespace } from "./namespace.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOCKADDR_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const AF_INET6 = 10;
const FORWARDED_BACKLOG = 511;
const BACKLOG = 64;

const socket = declareChecked<[domain: number, type: number, protocol: number]>(
  "socket",
  "int socket(int domain, int type, int protocol)",
);
const bind = declareChecked<[fd: number, address: Uint8Array, length: number]>(
  "bind",
  "int bind(int fd, const void *address, uint length)",
);
const setsockopt = declareChecked<[fd: number, level: number, name: number, value: Int32Array, length: number]>(
  "setsockopt",
  "int setsockopt(int fd, int level, int name, const void *value, uint length)",
);
const listen = declareChecked<[fd: number, backlog: number]>("listen", "int listen(int fd, int backlog)");
const getsockname = declareChecked<[fd: number, address: Uint8Array, length: Uint32Array]>(
  "getsockname",
  "int getsockname(int fd, _Out_ void *address, _Inout_ uint *length)",
);

/**
 * Binds: other programs get EADDRINUSE, while traffic that a firewall rule redirects passes.
 *
 * @param options.isForwarded - TCP listens at once: connections wait until they are taken.
 * @returns the socket's file.
 * @throws OperationError `conflict` when the port is in use, `invalid` when the address is not this host's.
 */
export function bindHostPort({ protocol, address, port }: HostPort, options: { readonly isForwarded: boolean }): number {
  const isIpv6 = address.includes(":");
  const listens = options.isForwarded && protocol === "tcp";
  const fd = socket(isIpv6 ? AF_INET6 : AF_INET, (protocol === "tcp" ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  try {
    if (isIpv6) setFlag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    // Connections of the container that had the port before may still fade away.
    if (listens) setFlag(fd, SOL_SOCKET, SO_REUSEADDR);
    const name = socketAddress(address, port);
    bind(fd, name, name.length);
    if (listens) listen(fd, FORWARDED_BACKLOG);
    return fd;
  } catch (error) {
    closeFd(fd);
    if (!(error instanceof SystemCallError)) throw error;
    const isTaken = error.code === "EADDRINUSE";
    const reason = isTaken ? "address already in use" : "cannot assign requested address";
    const place = isIpv6 ? `${protocol}6 [${address}]` : `${protocol}4 ${address}`;
    throw new OperationError(isTaken ? "conflict" : "invalid", `listen ${place}:${port}: bind: ${reason}`, { cause: error });
  }
}

function setFlag(fd: number, level: number, name: number): void {
  setsockopt(fd, level, name, new Int32Array([1]), 4);
}

/** Whether a program of this host could listen on IPv6 at all. */
export function hasIpv6(): boolean {
  try {
    closeFd(bindHostPort({ protocol: "tcp", address: "::1", port: 0 }, { isForwarded: false }));
    return true;
  } catch {
    return false;
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
  const address = new Uint8Array(SOCKADDR_IN6_BYTES);
  getsockname(fd, address, new Uint32Array([SOCKADDR_IN6_BYTES]));
  return ((address[2] ?? 0) << 8) | (address[3] ?? 0);
}

function socketAddress(address: string, port: number): Uint8Array {
  const ipv6 = parseIp(address);
  if (ipv6?.family === 6) return ipv6SocketAddress(ipv6.value, port);
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  new DataView(bytes.buffer).setUint16(0, AF_INET, true);
  new DataView(bytes.buffer).setUint16(2, port, false);
  bytes.set(address.split(".").map(Number), 4);
  return bytes;
}

/** The scope stays 0: which interface a link-local address is on is not said. */
function ipv6SocketAddress(address: bigint, port: number): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_IN6_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port, false);
  view.setBigUint64(8, address >> 64n, false);
  view.setBigUint64(16, address & 0xffff_ffff_ffff_ffffn, false);
  return bytes;
}
