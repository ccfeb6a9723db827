import type { EngineNetworkId } from "../model/ids.ts";
import { addressOn, bareAddress, type ClusterView, servingByService } from "./cluster-view.ts";

/** A service's address on one network, and the tasks behind it. */
export interface VirtualAddress {
  readonly address: string;
  /** May be empty: connections are then refused. */
  readonly backends: readonly string[];
}

/** Every service address that a container on these networks may call. */
export function virtualAddresses(view: ClusterView, networkIds: ReadonlySet<EngineNetworkId>): readonly VirtualAddress[] {
  const serving = servingByService(view);
  const found: VirtualAddress[] = [];
  for (const service of view.services.values()) {
    if (service.endpointMode !== "vip") continue;
    for (const { networkId, address } of service.virtualIps) {
      if (!networkIds.has(networkId as string as EngineNetworkId)) continue;
      const backends = (serving.get(service.id) ?? []).flatMap(endpoint => addressOn(endpoint, networkId) ?? []);
      found.push({ address: bareAddress(address), backends });
    }
  }
  return found.toSorted((left, right) => (left.address < right.address ? -1 : 1));
}

const TABLE = "inet shoal_vip";

/**
 * The table that turns service addresses into tasks' in a client's own namespace. It replaces what was there in one transaction;
 * connections under way are the kernel's and go on.
 */
export function virtualAddressTable(addresses: readonly VirtualAddress[]): string {
  const served = addresses.filter(({ backends }) => backends.length > 0);
  const counts = [...new Set(served.map(({ backends }) => backends.length))].toSorted((left, right) => left - right);
  const verdicts = served.map(({ address, backends }) => `${address} : goto k${backends.length}`);
  const slots = served.flatMap(({ address, backends }) => backends.map((backend, slot) => `${address} . ${slot} : ${backend}`));
  const chains = counts.map(count => `  chain k${count} { dnat ip to ip daddr . numgen random mod ${count} map @backends; }`);
  return `table ${TABLE}
delete table ${TABLE}
table ${TABLE} {
  map backends { typeof ip daddr . numgen random mod 2 : ip daddr; ${elements(slots)} }
${chains.join("\n")}
  map verdicts { type ipv4_addr : verdict; ${elements(verdicts)} }
  set known { type ipv4_addr; ${elements(addresses.map(({ address }) => address))} }
  chain c_out { type nat hook output priority -100; ip daddr vmap @verdicts; }
  chain c_pre { type nat hook prerouting priority -100; ip daddr vmap @verdicts; }
  chain c_rej { type filter hook output priority 0;
    ip daddr @known meta l4proto tcp reject with tcp reset
    ip daddr @known reject with icmp type port-unreachable
  }
}
`;
}

/** nft takes no empty list. */
export function elements(list: readonly string[]): string {
  return list.length === 0 ? "" : `elements = { ${list.join(", ")} };`;
}
