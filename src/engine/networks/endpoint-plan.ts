import { BlockList, isIP } from "node:net";
import { OperationError } from "../../lib/errors.ts";
import type { EndpointConfig, HostConfig } from "../../model/container.ts";
import { driverOptionProblems } from "./endpoint-options.ts";
import { contains, formatIp, type IpFamily, parseIp, parseSubnet } from "../../lib/ip-address.ts";
import { parseMac } from "./mac-address.ts";
import { isUserDefined, type NetworkRecord, poolOf } from "./network-record.ts";
import type { NetworkTable } from "./network-table.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

const LINK_LOCAL_PREFIX_LENGTH = { ipv4: 16, ipv6: 64 } as const;
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet("169.254.0.0", LINK_LOCAL_PREFIX_LENGTH.ipv4, "ipv4");
LINK_LOCAL.addSubnet("fe80::", 10, "ipv6");

const NO_SUBNET = "user specified IP address is supported only when connecting to networks with user configured subnets";

export interface WantedEndpoint {
  readonly network: NetworkRecord;
  readonly config: EndpointConfig;
  /** In CIDR form: by the managers, to a container made by hand on a network of the cluster. */
  readonly givenAddress?: string;
}

/** Where `--network` leads when it is no network's name. */
export function networkNameOf(networkMode: string): string {
  return networkMode === "" || networkMode === "default" ? "bridge" : networkMode;
}

/** `container:ID`: the container whose network is shared. */
export function sharedContainerOf({ networkMode }: Pick<HostConfig, "networkMode">): string | undefined {
  return networkMode.startsWith("container:") ? networkMode.slice("container:".length) : undefined;
}

/**
 * The networks a container joins, the one of its network mode first: interfaces are numbered in this order.
 * @throws OperationError in Docker's words for a missing network and for settings that it cannot honour.
 */
export function wantedEndpoints(
  table: NetworkTable,
  { networkMode, endpoints }: { readonly networkMode: string; readonly endpoints: Readonly<Record<string, EndpointConfig>> },
): readonly WantedEndpoint[] {
  const wanted = new Map<string, WantedEndpoint>();
  const main = table.find(networkNameOf(networkMode));
  const keys = Object.keys(endpoints);
  // The mode counts for the order; for membership only where no networks are named.
  if (keys.length === 0 || keys.some(key => table.find(networkNameOf(key)) === main)) {
    const network = table.get(networkNameOf(networkMode));
    wanted.set(network.id, { network, config: {} });
  }
  for (const [key, config] of Object.entries(endpoints)) {
    const network = table.get(networkNameOf(key));
    wanted.set(network.id, { network, config });
  }
  const all = [...wanted.values()];
  for (const { network, config } of all) {
    if (all.length > 1 && (network.driver === "host" || network.driver === "null")) {
      const words = network.driver === "host" ? "host" : "private (none)";
      throw new OperationError(
        "invalid",
        `container cannot be connected to multiple networks with one of the networks in ${words} mode`,
      );
    }
    checkEndpoint(network, config);
  }
  const [first, ...others] = all;
  return first === undefined ? [] : [first, ...others.toSorted((a, b) => compareText(a.network.name, b.network.name))];
}

/** @throws OperationError `invalid` in Docker's words. */
export function checkEndpoint(network: NetworkRecord, config: EndpointConfig): void {
  const { networkId = network.id } = config;
  if (networkId !== network.name && !network.id.startsWith(networkId))
    throw new OperationError("not-found", `network ${networkId} not found`);
  if (config.macAddress && parseMac(config.macAddress) === undefined) {
    throw new OperationError("invalid", `invalid MAC address: ${config.macAddress}`);
  }
  const problems = [
    ...aliasProblems(network, config),
    ...addressProblems(network, config),
    ...linkLocalProblems(config),
    ...driverOptionProblems(config),
  ];
  if (problems.length === 0) return;
  const list = problems.length === 1 ? problems : problems.map(problem => `* ${problem}`);
  throw new OperationError(
    "invalid",
    `invalid config for network ${network.name}: invalid endpoint settings:\n${list.join("\n")}`,
  );
}

function aliasProblems(network: NetworkRecord, { aliases = [] }: EndpointConfig): readonly string[] {
  const isRefused = aliases.length > 0 && !isUserDefined(network) && network.driver === "bridge";
  return isRefused ? ["network-scoped aliases are only supported for user-defined networks"] : [];
}

function addressProblems(network: NetworkRecord, config: EndpointConfig): readonly string[] {
  if (!config.ipv4Address && !config.ipv6Address) return [];
  if (!isUserDefined(network)) {
    const { ipv4Address } = config;
    const isMalformed = ipv4Address && parseIp(staticAddress(config, 4) ?? "") === undefined;
    const malformed = isMalformed ? [`invalid IPv4 address: ${ipv4Address}`] : [];
    return ["user specified IP address is supported on user defined networks only", ...malformed, NO_SUBNET];
  }
  return ([4, 6] as const).flatMap(family => {
    const given = family === 4 ? config.ipv4Address : config.ipv6Address;
    if (!given) return [];
    const address = parseIp(staticAddress(config, family) ?? "");
    if (address === undefined) return [`invalid IPv${family} address: ${given}`];
    if (network.scope !== "local") return [];
    const pool = poolOf(network, family);
    if (pool === undefined || pool.isSubnetChosen === true) return [NO_SUBNET];
    return contains(parseSubnet(pool.subnet), address)
      ? []
      : [`no configured subnet or ip-range contain the IP address ${given}`];
  });
}

function linkLocalProblems({ linkLocalIps = [] }: EndpointConfig): readonly string[] {
  const isAddress = (text: string) => isIP(text) !== 0 && !/^[0:.]+$/.test(text);
  return linkLocalIps.filter(text => !isAddress(text)).map(text => `invalid link-local IP address: ${text}`);
}

/**
 * Addresses that an interface has beside its own, for neighbours alone.
 * @throws OperationError `invalid` in Docker's words for one that routers would forward.
 */
export function linkLocalAddresses({ linkLocalIps = [] }: EndpointConfig): readonly string[] {
  return linkLocalIps.map(address => {
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (!LINK_LOCAL.check(address, family)) {
      throw new OperationError("invalid", `invalid link local IP address: ${address}`);
    }
    return `${address}/${LINK_LOCAL_PREFIX_LENGTH[family]}`;
  });
}

/** Cluster tasks name theirs in CIDR form. */
export function staticAddress({ ipv4Address = "", ipv6Address = "" }: EndpointConfig, family: IpFamily): string | undefined {
  const [bare = ""] = (family === 4 ? ipv4Address : ipv6Address).split("/");
  const parsed = parseIp(bare);
  return parsed?.family === family ? formatIp(parsed) : undefined;
}

/** The endpoints whose gateways are the container's default routes. */
export interface Gateways {
  readonly ipv4: EndpointRecord | undefined;
  readonly ipv6: EndpointRecord | undefined;
}

/** Highest priority first, then by network name; that towards the host wins on a container of cluster networks. */
export function gatewaysOf({ endpoints, hostEndpoint }: Pick<SandboxRecord, "endpoints" | "hostEndpoint">): Gateways {
  const sorted = endpoints
    .filter(({ link }) => link !== undefined)
    .toSorted(
      (left, right) =>
        (right.config.gatewayPriority ?? 0) - (left.config.gatewayPriority ?? 0) ||
        compareText(left.networkName, right.networkName),
    );
  return {
    ipv4: hostEndpoint ?? sorted.find(({ gateway }) => gateway !== ""),
    ipv6: sorted.find(({ ipv6 }) => ipv6 !== undefined && ipv6.gateway !== ""),
  };
}

/** What others on the network may call it. */
export function dnsNamesOf({
  containerId,
  containerName,
  hostName,
  config,
}: {
  readonly containerId: string;
  readonly containerName: string;
  readonly hostName: string;
  readonly config: EndpointConfig;
}): readonly string[] {
  const names = [containerName, ...(config.aliases ?? []), containerId.slice(0, 12), hostName];
  return [...new Set(names.filter(name => name !== ""))];
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
