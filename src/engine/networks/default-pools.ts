import { OperationError } from "../../lib/errors.ts";
import { overlaps, parseSubnet, type Subnet, sizeOf } from "./ipv4.ts";

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

/** @throws OperationError `forbidden` when every subnet of the pools overlaps with one in use. */
export function chooseSubnet(used: readonly Subnet[], pools: readonly SubnetPool[] = DEFAULT_POOLS): Subnet {
  for (const { range: whole, prefixLength } of pools) {
    const step = sizeOf({ base: 0, prefixLength });
    for (let base = whole.base; base < whole.base + sizeOf(whole); base += step) {
      const candidate = { base, prefixLength };
      if (!used.some(other => overlaps(candidate, other))) return candidate;
    }
  }
  throw new OperationError("forbidden", "all predefined address pools have been fully subnetted");
}
