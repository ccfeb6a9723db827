import { OperationError } from "../../lib/errors.ts";
import { overlaps, parseSubnet, type Subnet, sizeOf } from "./ipv4.ts";

/** Where subnets come from when the user names none: Docker's list, ranges with the size of the networks cut from them. */
const DEFAULT_POOLS: readonly { readonly range: string; readonly prefixLength: number }[] = [
  { range: "172.17.0.0/16", prefixLength: 16 },
  { range: "172.18.0.0/16", prefixLength: 16 },
  { range: "172.19.0.0/16", prefixLength: 16 },
  { range: "172.20.0.0/14", prefixLength: 16 },
  { range: "172.24.0.0/14", prefixLength: 16 },
  { range: "172.28.0.0/14", prefixLength: 16 },
  { range: "192.168.0.0/16", prefixLength: 20 },
];

/** @throws OperationError `forbidden` when every default subnet overlaps with one in use. */
export function chooseSubnet(used: readonly Subnet[]): Subnet {
  for (const { range, prefixLength } of DEFAULT_POOLS) {
    const whole = parseSubnet(range);
    const step = sizeOf({ base: 0, prefixLength });
    for (let base = whole.base; base < whole.base + sizeOf(whole); base += step) {
      const candidate = { base, prefixLength };
      if (!used.some(other => overlaps(candidate, other))) return candidate;
    }
  }
  throw new OperationError("forbidden", "all predefined address pools have been fully subnetted");
}
