import { parseIp } from "../../lib/ip-address.ts";

/** `02:42` and the last four bytes of the address, as Docker's: unique within a network, and the same wherever it is worked out. */
export function macFromIp(address: string): string {
  const value = (parseIp(address)?.value ?? 0n) & 0xffff_ffffn;
  return `02:42:${value
    .toString(16)
    .padStart(8, "0")
    .replace(/..(?!$)/g, "$&:")}`;
}

/** @returns lower case with colons, or `undefined` when malformed or a multicast address. */
export function parseMac(text: string): string | undefined {
  const mac = text.toLowerCase().replaceAll("-", ":");
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) return undefined;
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1 ? undefined : mac;
}
