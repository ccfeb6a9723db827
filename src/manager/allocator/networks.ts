import type { Cluster, Network } from "../../model/cluster.ts";
import type { Change } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { formatAddress, formatSubnet, overlaps, parseSubnet, sizeOf } from "./ipv4.ts";
import type { Subnet } from "./ipv4.ts";

/** As Swarm's: below are ids that operators use by hand. */
const VXLAN_ID_MIN = 4096;
const VXLAN_ID_MAX = 2 ** 24 - 1;
const VXLAN_PORT_DEFAULT = 4789;
const POOL_DEFAULT = ["10.0.0.0/8"];
const SUBNET_BITS_DEFAULT = 24;

/** Gives every network without one its VXLAN id, subnet and gateway. The pool's first subnet is the ingress network's. */
export function planNetworks(view: Snapshot): readonly Change[] {
  const networks = [...view.all("network")];
  const missing = networks.filter(network => network.vxlanId === undefined);
  if (missing.length === 0) return [];
  const vxlanIds = new Set(networks.flatMap(({ vxlanId }) => (vxlanId === undefined ? [] : [vxlanId])));
  const taken = networks.flatMap(({ ipam }) => ipam.flatMap(({ subnet }) => parseSubnet(subnet) ?? []));
  const pools = poolsOf(view);
  const vxlanPort = vxlanPortOf(view);
  const changes: Change[] = [];
  // The one that was there first is served first; ingress before all, so that it gets the first id.
  for (const network of missing.toSorted(
    (a, b) => Number(b.spec.isIngress) - Number(a.spec.isIngress) || a.createdAtMs - b.createdAtMs,
  )) {
    const vxlanId = lowestFree(vxlanIds);
    const ipam = ipamOf(network, { taken, pools });
    if (vxlanId === undefined || ipam === undefined) continue;
    vxlanIds.add(vxlanId);
    for (const { subnet } of ipam) taken.push(...([parseSubnet(subnet)].filter(Boolean) as Subnet[]));
    const object: Network = { ...network, vxlanId, ipam, ...(vxlanPort !== undefined && { vxlanPort }) };
    changes.push({ kind: "put", table: "network", object, basedOn: network.version });
  }
  return changes;
}

/** `undefined`: the one that everybody takes for granted. */
function vxlanPortOf(view: Snapshot): number | undefined {
  for (const { dataPathPort } of view.all("cluster")) return dataPathPort === VXLAN_PORT_DEFAULT ? undefined : dataPathPort;
  return undefined;
}

interface Pools {
  readonly pools: readonly Subnet[];
  readonly subnetBits: number;
}

function poolsOf(view: Snapshot): Pools {
  let cluster: Cluster | undefined;
  for (const each of view.all("cluster")) cluster = each;
  const given = (cluster?.defaultAddressPool ?? []).length === 0 ? POOL_DEFAULT : (cluster?.defaultAddressPool ?? []);
  const subnetBits = cluster?.subnetSize === undefined || cluster.subnetSize === 0 ? SUBNET_BITS_DEFAULT : cluster.subnetSize;
  return { pools: given.flatMap(pool => parseSubnet(pool) ?? []), subnetBits };
}

function ipamOf(
  network: Network,
  { taken, pools }: { readonly taken: readonly Subnet[]; readonly pools: Pools },
): Network["ipam"] | undefined {
  const given = network.spec.ipam.filter(({ subnet }) => subnet !== undefined);
  if (given.length === 0) {
    const subnet = freeSubnet(pools, { taken, isIngress: network.spec.isIngress });
    const { gateway, auxiliaryAddresses } = network.spec.ipam[0] ?? {};
    return (
      subnet && [
        {
          subnet: formatSubnet(subnet),
          gateway: gatewayIn(subnet, { gateway }),
          ...(auxiliaryAddresses !== undefined && { auxiliaryAddresses }),
        },
      ]
    );
  }
  return given.flatMap(({ subnet: text = "", ...rest }) => {
    const subnet = parseSubnet(text);
    return subnet === undefined ? [] : [{ ...rest, subnet: formatSubnet(subnet), gateway: gatewayIn(subnet, rest) }];
  });
}

/** The one that the user gave, or the first address of what is given out: the subnet's own address is nobody's. */
export function gatewayIn(
  subnet: Subnet,
  { gateway, ipRange = "" }: { readonly gateway?: string | undefined; readonly ipRange?: string },
): string {
  const { base } = parseSubnet(ipRange) ?? subnet;
  return gateway ?? formatAddress(base === subnet.base ? base + 1 : base);
}

function freeSubnet(
  { pools, subnetBits }: Pools,
  { taken, isIngress }: { readonly taken: readonly Subnet[]; readonly isIngress: boolean },
): Subnet | undefined {
  let isFirst = true;
  for (const pool of pools) {
    const step = 2 ** (32 - subnetBits);
    for (let base = pool.base; base + step <= pool.base + sizeOf(pool); base += step) {
      const subnet = { base, prefixBits: subnetBits };
      const isReserved = isFirst && !isIngress;
      isFirst = false;
      if (!isReserved && !taken.some(other => overlaps(subnet, other))) return subnet;
    }
  }
  return undefined;
}

function lowestFree(taken: ReadonlySet<number>): number | undefined {
  for (let id = VXLAN_ID_MIN; id <= VXLAN_ID_MAX; id++) if (!taken.has(id)) return id;
  return undefined;
}
