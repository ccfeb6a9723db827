/** Addresses as numbers, so that ranges are arithmetic. */
export interface Subnet {
  /** Its first address. */
  readonly base: number;
  /** Of its prefix, 0 to 32. */
  readonly prefixBits: number;
}

const FORM = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

export function parseAddress(text: string): number | undefined {
  const bytes = FORM.exec(text)?.slice(1).map(Number);
  if (bytes === undefined || bytes.some(byte => byte > 255)) return undefined;
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

export function parseSubnet(text: string): Subnet | undefined {
  const [address = "", prefix = "", ...rest] = text.split("/");
  const value = parseAddress(address);
  const prefixBits = Number(prefix);
  if (value === undefined || rest.length > 0 || !/^\d{1,2}$/.test(prefix) || prefixBits > 32) return undefined;
  const size = 2 ** (32 - prefixBits);
  return { base: Math.floor(value / size) * size, prefixBits };
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join(".");
}

export function formatSubnet({ base, prefixBits }: Subnet): string {
  return `${formatAddress(base)}/${prefixBits}`;
}

export function sizeOf({ prefixBits }: Subnet): number {
  return 2 ** (32 - prefixBits);
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);
}

/** The address of `10.0.1.5/24`, without its prefix. */
export function addressOf(cidr: string): number | undefined {
  return parseAddress(cidr.split("/")[0] ?? "");
}
