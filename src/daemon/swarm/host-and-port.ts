import { isIP } from "node:net";

/** Of managers (Docker's). */
const DEFAULT_PORT = 2377;

export function isUnspecified(ip: string): boolean {
  return /^[0:.]+$/.test(ip);
}

/** As a URL has them: an IPv6 address in brackets. */
export function hostAndPort(ip: string, port: string | number): string {
  return isIP(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** host:port, with Docker's port for managers where none is said. */
export function withPort(address: string): string {
  if (/^\[.*\]:\d+$|^[^:]*:\d+$/.test(address)) return address;
  return hostAndPort(address, DEFAULT_PORT);
}

export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

export function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
