import { OperationError } from "./errors.ts";

/** Addresses of both families as numbers, so that ranges are arithmetic. */
export type IpFamily = 4 | 6;

export interface IpAddress {
  readonly family: IpFamily;
  readonly value: bigint;
}

export interface Subnet {
  readonly family: IpFamily;
  /** The network's own address: host bits are zero. */
  readonly base: bigint;
  /** 0 to 32, or to 128. */
  readonly prefixLength: number;
}

const BITS = { 4: 32, 6: 128 } as const;
const OCTET = /^(0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;
const GROUPS = 8;

/** @returns `undefined` for what is no address; one with a zone is none. */
export function parseIp(text: string): IpAddress | undefined {
  const family = text.includes(":") ? 6 : 4;
  const value = family === 6 ? parseIpv6(text) : parseIpv4(text);
  return value === undefined ? undefined : { family, value };
}

function parseIpv4(text: string): bigint | undefined {
  const octets = text.split(".");
  if (octets.length !== 4 || !octets.every(octet => OCTET.test(octet) && Number(octet) <= 255)) return undefined;
  return octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const sides = text.split("::").map(side => groupsOf(side));
  const [left, right] = sides;
  if (left === undefined || sides.length > 2 || sides.some(side => side === undefined)) return undefined;
  if (right === undefined) return left.length === GROUPS ? join(left) : undefined;
  const missing = GROUPS - left.length - right.length;
  if (missing < 1) return undefined;
  return join([...left, ...Array.from({ length: missing }, () => 0n), ...right]);
}

/** `2001:db8` and, at the end, `192.0.2.1`. */
function groupsOf(text: string): readonly bigint[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const last = parts.at(-1) ?? "";
  const embedded = last.includes(".") ? parseIpv4(last) : undefined;
  if (last.includes(".") && embedded === undefined) return undefined;
  const plain = embedded === undefined ? parts : parts.slice(0, -1);
  if (!plain.every(part => GROUP.test(part))) return undefined;
  const groups = plain.map(part => BigInt(`0x${part}`));
  return embedded === undefined ? groups : [...groups, embedded >> 16n, embedded & 0xffffn];
}

function join(groups: readonly bigint[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** As RFC 5952 has it: the same address is always the same text. */
export function formatIp({ family, value }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 255n).join(".");
  const groups = Array.from({ length: GROUPS }, (_, index) =>
    ((value >> BigInt(16 * (GROUPS - 1 - index))) & 0xffffn).toString(16),
  );
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

function longestZeros(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === "0") end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

/** The same address in the one form it has; what is none stays as it is. */
export function normalizedIp(text: string): string {
  const parsed = parseIp(text);
  return parsed === undefined ? text : formatIp(parsed);
}

/** `10.0.1.7/24`, which keeps its host bits. @returns `undefined` when malformed. */
export function parseInterfaceAddress(
  text: string,
): { readonly address: IpAddress; readonly prefixLength: number; readonly subnet: Subnet } | undefined {
  const [left = "", right = "", ...rest] = text.split("/");
  const address = parseIp(left);
  if (address === undefined || !/^\d{1,3}$/.test(right) || Number(right) > BITS[address.family] || rest.length > 0)
    return undefined;
  return { address, prefixLength: Number(right), subnet: subnetOf(address, Number(right)) };
}

/** @throws OperationError `invalid` when it is no CIDR. */
export function parseSubnet(text: string): Subnet {
  const parsed = parseInterfaceAddress(text);
  if (parsed === undefined) throw new OperationError("invalid", `invalid subnet ${text}: invalid CIDR address: ${text}`);
  return parsed.subnet;
}

export function subnetOf({ family, value }: IpAddress, prefixLength: number): Subnet {
  const hostBits = BigInt(BITS[family] - prefixLength);
  return { family, base: (value >> hostBits) << hostBits, prefixLength };
}

export function formatSubnet({ family, base, prefixLength }: Subnet): string {
  return `${formatIp({ family, value: base })}/${prefixLength}`;
}

/** How many addresses a subnet has, itself and its broadcast included. */
export function sizeOf({ family, prefixLength }: Pick<Subnet, "family" | "prefixLength">): bigint {
  return 1n << BigInt(BITS[family] - prefixLength);
}

/** The one at `offset` from the network's own address; negative: from behind its last. */
export function addressAt(subnet: Subnet, offset: bigint): IpAddress {
  return { family: subnet.family, value: subnet.base + offset + (offset < 0n ? sizeOf(subnet) : 0n) };
}

export function contains(subnet: Subnet, { family, value }: IpAddress): boolean {
  return family === subnet.family && value >= subnet.base && value < subnet.base + sizeOf(subnet);
}

/** Whether all of `inner` lies in it. */
export function includes(subnet: Subnet, inner: Subnet): boolean {
  return inner.prefixLength >= subnet.prefixLength && contains(subnet, addressAt(inner, 0n));
}

export function overlaps(left: Subnet, right: Subnet): boolean {
  return includes(left, right) || includes(right, left);
}
