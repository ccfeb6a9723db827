import { HOST_BRIDGE, INGRESS_INTERFACE } from "../engine/networks/firewall-rules.ts";
import type { Peer } from "../model/session.ts";
import { elements } from "./service-addresses.ts";

/** High byte of the mark that remembers which host sent a connection. */
const MARK_BASE = 0x5a00_0000;
export const INGRESS_MARK = "0x5a000000/0xff000000";
/** Stands for "back to whoever sent it"; written over at egress. */
export const RETURN_MAC = "02:00:00:00:ff:ff";

/** MAC address of a node's ingress device. */
export function ingressMac(ingressNumber: number): string {
  const hex = (byte: number) => byte.toString(16).padStart(2, "0");
  return `02:00:00:00:${hex(ingressNumber >> 8)}:${hex(ingressNumber & 255)}`;
}

function markOf(ingressNumber: number): string {
  return `0x${(MARK_BASE + ingressNumber).toString(16)}`;
}

/** A published port and where its connections go, as this host sees it. */
export interface PublishedService {
  readonly protocol: "tcp" | "udp";
  readonly publishedPort: number;
  readonly targetPort: number;
  /** Of a local task: its address on the host's bridge. Of another: its ingress address. */
  readonly backends: readonly string[];
}

export interface IngressRules {
  /** UDP port of the cluster's tunnels. */
  readonly vxlanPort: number;
  readonly self: Peer;
  /** Without this node. */
  readonly peers: readonly Peer[];
  readonly services: readonly PublishedService[];
  /** Ingress address to address on the host's bridge, of local tasks. */
  readonly local: readonly (readonly [ingressAddress: string, hostAddress: string])[];
  /** Of this host's bridges: addresses that another host has as well. */
  readonly bridgeSubnets: readonly string[];
}

/**
 * Both tables, replacing what was there in one transaction. A packet for a published port is sent to a task here or on another host
 * with its source kept; there its sender is remembered by mark and zone, and the answer's MAC address is written so that it goes back
 * the way it came: one rule and one table for any number of hosts.
 */
export function ingressTables(rules: IngressRules): string {
  return `table inet shoal_ingress
delete table inet shoal_ingress
table inet shoal_ingress {
${maps(rules)}
${chains(rules)}
}
table netdev shoal_return
delete table netdev shoal_return
table netdev shoal_return {
  map node_mac { type mark : ether_addr; ${elements(rules.peers.map(({ ingressNumber: k }) => `${markOf(k)} : ${ingressMac(k)}`))} }
  chain c_eg { type filter hook egress device "${INGRESS_INTERFACE}" priority 0;
    ether daddr ${RETURN_MAC} ether daddr set meta mark map @node_mac meta mark set 0
  }
}
`;
}

export const NO_INGRESS_TABLES = `table inet shoal_ingress
delete table inet shoal_ingress
table netdev shoal_return
delete table netdev shoal_return
`;

function maps({ peers, services, local }: IngressRules): string {
  const served = services.filter(({ backends }) => backends.length > 0);
  const slots = served.flatMap(({ protocol, publishedPort, targetPort, backends }) =>
    backends.map((backend, slot) => `${protocol} . ${publishedPort} . ${slot} : ${backend} . ${targetPort}`),
  );
  const verdicts = served.map(
    ({ protocol, publishedPort, backends }) => `${protocol} . ${publishedPort} : goto k${backends.length}`,
  );
  const counts = [...new Set(served.map(({ backends }) => backends.length))].toSorted((left, right) => left - right);
  return `  map node_mark { type ether_addr : mark; ${elements(peers.map(({ ingressNumber: k }) => `${ingressMac(k)} : ${markOf(k)}`))} }
  map node_zone { typeof ether saddr : ct zone; ${elements(peers.map(({ ingressNumber: k }) => `${ingressMac(k)} : ${k}`))} }
  map mine { type ipv4_addr : ipv4_addr; ${elements(local.map(([ingressAddress, hostAddress]) => `${ingressAddress} : ${hostAddress}`))} }
  map backends { typeof meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport; ${elements(slots)} }
${counts.map(count => `  chain k${count} { dnat ip to meta l4proto . th dport . numgen random mod ${count} map @backends; }`).join("\n")}
  map verdicts { type inet_proto . inet_service : verdict; ${elements(verdicts)} }`;
}

function chains({ vxlanPort, self, peers, bridgeSubnets }: IngressRules): string {
  const devices = `"${INGRESS_INTERFACE}", "${HOST_BRIDGE}"`;
  const nodes = [self, ...peers].map(({ address }) => address);
  const onlyHere = [...bridgeSubnets, "127.0.0.0/8"].join(", ");
  return `  set nodes { type ipv4_addr; ${elements(nodes)} }
  chain c_zone { type filter hook prerouting priority raw;
    iifname "${INGRESS_INTERFACE}" ct original zone set ether saddr map @node_zone
  }
  chain c_mark { type filter hook prerouting priority mangle;
    iifname "${INGRESS_INTERFACE}" ct state new ct mark set ether saddr map @node_mark
    iifname "${HOST_BRIDGE}" ct direction reply ct mark and 0xff000000 == ${markOf(0)} meta mark set ct mark
  }
  chain c_pre { type nat hook prerouting priority dstnat - 1;
    iifname "${INGRESS_INTERFACE}" dnat ip to ip daddr map @mine
    iifname != "${INGRESS_INTERFACE}" fib daddr type local meta l4proto . th dport vmap @verdicts
  }
  chain c_out { type nat hook output priority -101; fib daddr type local meta l4proto . th dport vmap @verdicts; }
  chain c_post { type nat hook postrouting priority srcnat - 1;
    ct status dnat oifname { ${devices} } ip saddr { ${onlyHere} } masquerade
    ct status dnat oifname "${INGRESS_INTERFACE}" ip saddr @nodes fib saddr type != local masquerade
  }
  chain c_mss { type filter hook forward priority mangle;
    oifname "${INGRESS_INTERFACE}" tcp flags syn tcp option maxseg size set rt mtu
    iifname "${INGRESS_INTERFACE}" tcp flags syn tcp option maxseg size set rt mtu
  }
  chain c_nt { type filter hook prerouting priority -310;
    udp dport ${vxlanPort} fib daddr type local ip saddr != @nodes drop
    udp dport ${vxlanPort} fib daddr type local notrack
  }
  chain c_nto { type filter hook output priority -310; udp dport ${vxlanPort} notrack; }`;
}
