import { createHash } from "node:crypto";
import { OperationError } from "../../lib/errors.ts";
import { addressAt, type IpFamily, overlaps, parseSubnet, sizeOf, type Subnet, subnetOf } from "../../lib/ip-address.ts";

/** A range that subnets are cut from. */
export interface SubnetPool {
  readonly range: Subnet;
  /** Of each network cut from it. */
  readonly prefixLength: number;
}

/** Where subnets come from when nobody names any: Docker's list. */
export const DEFAULT_POOLS: readonly SubnetPool[] = [
  { range: "172.17.0.0/16", prefixLength: 16 },
  { range: "172.18.0.0/16", prefixLength: 16 },
  { range: "172.19.0.0/16", prefixLength: 16 },
  { range: "172.20.0.0/14", prefixLength: 16 },
  { range: "172.24.0.0/14", prefixLength: 16 },
  { range: "172.28.0.0/14", prefixLength: 16 },
  { range: "192.168.0.0/16", prefixLength: 20 },
].map(({ range, prefixLength }) => ({ range: parseSubnet(range), prefixLength }));

const SITE_BITS = 48;
const SUBNET_BITS = 64;
const UNIQUE_LOCAL = parseSubnet("fd00::/8");

/** Addresses of this host's own (RFC 4193), made of what names it, as Docker's: 65,536 networks that no other host has. */
export function uniqueLocalPool(hostId: string): SubnetPool {
  const digest = createHash("sha256").update(hostId).digest();
  const site = digest.readBigUInt64BE(0) & 0xff_ffff_ffffn;
  const range = subnetOf(addressAt(UNIQUE_LOCAL, site << BigInt(128 - SITE_BITS)), SITE_BITS);
  return { range, prefixLength: SUBNET_BITS };
}

/** @throws OperationError `forbidden` when every subnet of the pools overlaps with one in use. */
export function chooseSubnet(
  used: readonly Subnet[],
  pools: readonly SubnetPool[] = DEFAULT_POOLS,
  family: IpFamily = 4,
): Subnet {
  for (const { range: whole, prefixLength } of pools) {
    if (whole.family !== family) continue;
    const step = sizeOf({ family, prefixLength });
    for (let base = whole.base; base < whole.base + sizeOf(whole); base += step) {
      const candidate = { family, base, prefixLength };
      if (!used.some(other => overlaps(candidate, other))) return candidate;
    }
  }
  throw new OperationError("forbidden", "all predefined address pools have been fully subnetted");
}
