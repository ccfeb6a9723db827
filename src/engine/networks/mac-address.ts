import { formatIpv4, type Ipv4, parseIpv4 } from "./ipv4.ts";

/** `02:42` and the four bytes of the address, as Docker's: unique within a network, and the same wherever it is worked out. */
export function macFromIpv4(address: Ipv4 | string): string {
  const value = typeof address === "string" ? (parseIpv4(address) ?? 0) : address;
  const bytes = formatIpv4(value)
    .split(".")
    .map(octet => Number(octet).toString(16).padStart(2, "0"));
  return `02:42:${bytes.join(":")}`;
}

/** @returns lower case with colons, or `undefined` when malformed or a multicast address. */
export function parseMac(text: string): string | undefined {
  const mac = text.toLowerCase().replaceAll("-", ":");
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) return undefined;
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1 ? undefined : mac;
}
