import { OperationError } from "../../lib/errors.ts";

/** An IPv4 address as an unsigned 32-bit number. */
export type Ipv4 = number;

export interface Subnet {
  /** The network's own address: host bits are zero. */
  readonly base: Ipv4;
  /** 0 to 32. */
  readonly prefixLength: number;
}

const OCTET = /^(0|[1-9]\d{0,2})$/;

/** @returns `undefined` when the text is not a dotted quad. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!OCTET.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIpv4(address: Ipv4): string {
  return [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join(".");
}

/** How many addresses a subnet has, itself and its broadcast included. */
export function sizeOf({ prefixLength }: Subnet): number {
  return 2 ** (32 - prefixLength);
}

/** `10.0.1.7/24`, which keeps its host bits. @returns `undefined` when malformed. */
export function parseInterfaceAddress(
  text: string,
): { readonly address: Ipv4; readonly prefixLength: number; readonly subnet: Subnet } | undefined {
  const [left = "", right = "", ...rest] = text.split("/");
  const address = parseIpv4(left);
  if (address === undefined || !/^\d{1,2}$/.test(right) || Number(right) > 32 || rest.length > 0) return undefined;
  const prefixLength = Number(right);
  const size = 2 ** (32 - prefixLength);
  return { address, prefixLength, subnet: { base: address - (address % size), prefixLength } };
}

/** @throws OperationError `invalid` when it is not an IPv4 CIDR. */
export function parseSubnet(text: string): Subnet {
  const parsed = parseInterfaceAddress(text);
  if (parsed === undefined) throw new OperationError("invalid", `invalid subnet ${text}: invalid CIDR address: ${text}`);
  return parsed.subnet;
}

export function formatSubnet({ base, prefixLength }: Subnet): string {
  return `${formatIpv4(base)}/${prefixLength}`;
}

export function contains(subnet: Subnet, address: Ipv4): boolean {
  return address >= subnet.base && address < subnet.base + sizeOf(subnet);
}

export function overlaps(left: Subnet, right: Subnet): boolean {
  return contains(left, right.base) || contains(right, left.base);
}

export function broadcastOf(subnet: Subnet): Ipv4 {
  return subnet.base + sizeOf(subnet) - 1;
}
