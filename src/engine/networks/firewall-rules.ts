import { formatSubnet, type IpFamily } from "../../lib/ip-address.ts";
import type { BridgeRange, BridgeSettings } from "./network-record.ts";

export type Table = "filter" | "nat" | "raw";

/** One rule of iptables or ip6tables: `-A CHAIN SPECIFICATION` in a table. */
export interface Rule {
  readonly family: IpFamily;
  readonly table: Table;
  readonly chain: string;
  readonly specification: string;
}

/** Chains that are ours alone: emptied and filled again at start. */
export const OWN_CHAINS: readonly { readonly table: Table; readonly chain: string }[] = [
  { table: "filter", chain: "DOCKER" },
  { table: "filter", chain: "DOCKER-FORWARD" },
  { table: "filter", chain: "DOCKER-INGRESS" },
  { table: "filter", chain: "DOCKER-ISOLATION-STAGE-1" },
  { table: "filter", chain: "DOCKER-ISOLATION-STAGE-2" },
  { table: "nat", chain: "DOCKER" },
  { table: "nat", chain: "SHOAL-POSTROUTING" },
  { table: "raw", chain: "SHOAL-RAW" },
];

/** Made when it is missing, and never emptied: what is in it is the user's. */
export const USER_CHAIN = "DOCKER-USER";

type Jump = Omit<Rule, "family">;

/** From the kernel's chains to ours, in the order in which they must come. */
const jumpsOf = (family: IpFamily): readonly Jump[] => [
  { table: "filter", chain: "FORWARD", specification: `-j ${USER_CHAIN}` },
  { table: "filter", chain: "FORWARD", specification: "-j DOCKER-FORWARD" },
  { table: "nat", chain: "PREROUTING", specification: "-m addrtype --dst-type LOCAL -j DOCKER" },
  // 127.0.0.1 too; what is sent to ::1 the kernel lets go nowhere else.
  {
    table: "nat",
    chain: "OUTPUT",
    specification: `${family === 6 ? "! -d ::1/128 " : ""}-m addrtype --dst-type LOCAL -j DOCKER`,
  },
  { table: "nat", chain: "POSTROUTING", specification: "-j SHOAL-POSTROUTING" },
  { table: "raw", chain: "PREROUTING", specification: "-j SHOAL-RAW" },
];

const DNATED = "-m conntrack --ctstate DNAT";

/** Devices of a swarm's published ports: the one between the hosts, and the bridge that joins tasks to their host. */
export const INGRESS_INTERFACE = "ing0";
export const HOST_BRIDGE = "docker_gwbridge";

/** Rules that every host has, before those of any network. */
export function baseRules(family: IpFamily): readonly Rule[] {
  return [...BASE_RULES, ...(family === 4 ? [LOOPBACK_GUARD] : [])].map(rule => ({ ...rule, family }));
}

// route_localnet on the bridges would let neighbours of this host send to its loopback addresses.
const LOOPBACK_GUARD: Jump = { table: "raw", chain: "SHOAL-RAW", specification: "-d 127.0.0.0/8 ! -i lo -j DROP" };

const BASE_RULES: readonly Jump[] = [
  { table: "filter", chain: "DOCKER-FORWARD", specification: "-j DOCKER-INGRESS" },
  { table: "filter", chain: "DOCKER-FORWARD", specification: "-j DOCKER-ISOLATION-STAGE-1" },
  // A policy of DROP, ours or another firewall's, must not stop what ingress redirected.
  ...[`-i ${INGRESS_INTERFACE}`, `-o ${INGRESS_INTERFACE}`, `-i ${HOST_BRIDGE}`, `-o ${HOST_BRIDGE}`].map(
    (direction): Jump => ({ table: "filter", chain: "DOCKER-INGRESS", specification: `${direction} ${DNATED} -j ACCEPT` }),
  ),
  // A published port may be reached from another network: there is no proxy that would carry it.
  { table: "filter", chain: "DOCKER-ISOLATION-STAGE-1", specification: `${DNATED} -j RETURN` },
];

/** What makes a bridge network reach out, and keeps others from reaching in. */
export function bridgeRules(settings: BridgeSettings): readonly Rule[] {
  return settings.ranges.flatMap(range => rangeRules(settings, range));
}

function rangeRules(settings: BridgeSettings, { family, subnet: range, pool }: BridgeRange): readonly Rule[] {
  const { interfaceName: bridge, isInternal, isMasquerading, isIccEnabled } = settings;
  const subnet = formatSubnet(range);
  const rules: Rule[] = [];
  const add = (table: Table, chain: string, ...specifications: readonly string[]) => {
    for (const specification of specifications) rules.push({ family, table, chain, specification });
  };
  if (isInternal) {
    add("filter", "DOCKER-ISOLATION-STAGE-1", `! -s ${subnet} -o ${bridge} -j DROP`, `! -d ${subnet} -i ${bridge} -j DROP`);
    add("filter", "DOCKER-FORWARD", `-i ${bridge} -o ${bridge} -j ${isIccEnabled ? "ACCEPT" : "DROP"}`);
    return rules;
  }
  add("filter", "DOCKER-ISOLATION-STAGE-1", `-i ${bridge} ! -o ${bridge} -j DOCKER-ISOLATION-STAGE-2`);
  add("filter", "DOCKER-ISOLATION-STAGE-2", `-o ${bridge} -j DROP`);
  add(
    "filter",
    "DOCKER-FORWARD",
    `-o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `-o ${bridge} -j DOCKER`,
    `-i ${bridge} ! -o ${bridge} -j ACCEPT`,
    `-i ${bridge} -o ${bridge} -j ${isIccEnabled ? "ACCEPT" : "DROP"}`,
  );
  add("filter", "DOCKER", `-o ${bridge} ${DNATED} -j ACCEPT`);
  add("nat", "SHOAL-POSTROUTING", `-s ${subnet} -o ${bridge} ${DNATED} -j MASQUERADE`);
  if (family === 4) add("nat", "SHOAL-POSTROUTING", `-s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`);
  if (!isMasquerading) return rules; // Such a network is there to be routed to.
  add("filter", "DOCKER", `! -i ${bridge} -o ${bridge} -j DROP`);
  add("nat", "SHOAL-POSTROUTING", `-s ${subnet} ! -o ${bridge} -j MASQUERADE`);
  if (pool.gateway !== undefined) add("raw", "SHOAL-RAW", `-d ${pool.gateway}/${family === 4 ? 32 : 128} -j RETURN`);
  add("raw", "SHOAL-RAW", `-d ${subnet} ! -i ${bridge} -j DROP`);
  return rules;
}

export interface PortMapping {
  readonly protocol: "tcp" | "udp";
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly containerAddress: string;
  readonly containerPort: number;
}

export function mappingRule({ protocol, hostAddress, hostPort, containerAddress, containerPort }: PortMapping): Rule {
  const isIpv6 = containerAddress.includes(":");
  const isEvery = hostAddress === "0.0.0.0" || hostAddress === "::";
  const destination = isEvery ? "" : `-d ${hostAddress}/${isIpv6 ? 128 : 32} `;
  const target = isIpv6 ? `[${containerAddress}]:${containerPort}` : `${containerAddress}:${containerPort}`;
  return {
    family: isIpv6 ? 6 : 4,
    table: "nat",
    chain: "DOCKER",
    specification: `${destination}-p ${protocol} -m ${protocol} --dport ${hostPort} -j DNAT --to-destination ${target}`,
  };
}

export interface FirewallChange {
  readonly add: readonly Rule[];
  readonly remove: readonly Rule[];
}

/** Each table is one transaction, so a table's removals and additions are seen together. */
export function changeScript({ add, remove }: FirewallChange): string {
  return script(table => [
    ...remove.filter(rule => rule.table === table).map(rule => `-D ${rule.chain} ${rule.specification}`),
    ...add.filter(rule => rule.table === table).map(rule => `-A ${rule.chain} ${rule.specification}`),
  ]);
}

/**
 * Fills our chains anew, whatever was in them.
 * @param saved - Output of `iptables-save`, or `ip6tables-save`: which of the kernel's chains already lead to ours.
 * @param dropsForwarding - This host was no router before: nothing else is to be forwarded.
 */
export function loadScript(
  rules: readonly Rule[],
  { family, saved, dropsForwarding }: { readonly family: IpFamily; readonly saved: string; readonly dropsForwarding: boolean },
): string {
  const present = rulesIn(saved);
  return script(table => {
    const own = OWN_CHAINS.filter(entry => entry.table === table).map(({ chain }) => `:${chain} - [0:0]`);
    const isUserChainMissing = table === "filter" && !saved.includes(`:${USER_CHAIN} `);
    return [
      ...(table === "filter" && dropsForwarding ? [":FORWARD DROP [0:0]"] : []),
      ...(isUserChainMissing ? [`:${USER_CHAIN} - [0:0]`] : []),
      ...own,
      ...jumpsOf(family)
        .filter(jump => jump.table === table && !present.has(keyOf(jump)))
        .map(jump => `-A ${jump.chain} ${jump.specification}`),
      ...rules.filter(rule => rule.table === table).map(rule => `-A ${rule.chain} ${rule.specification}`),
    ];
  });
}

function keyOf({ table, chain, specification }: Jump): string {
  return `${table} ${chain} ${specification}`;
}

function rulesIn(saved: string): ReadonlySet<string> {
  const keys = new Set<string>();
  let table = "";
  for (const line of saved.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1).trim();
    else if (line.startsWith("-A ")) keys.add(`${table} ${line.slice(3).trim()}`);
  }
  return keys;
}

function script(linesOf: (table: Table) => readonly string[]): string {
  let text = "";
  for (const table of ["raw", "filter", "nat"] as const) {
    const lines = linesOf(table);
    if (lines.length > 0) text += `*${table}\n${lines.join("\n")}\nCOMMIT\n`;
  }
  return text;
}
