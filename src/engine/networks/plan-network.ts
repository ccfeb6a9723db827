import { OperationError } from "../../lib/errors.ts";
import type { CreateNetworkRequest, IpamPool } from "../../model/engine-network.ts";
import type { EngineNetworkId } from "../../model/ids.ts";
import { chooseSubnet } from "./default-pools.ts";
import { NETWORK_DEFAULTS, type NetworkDefaults } from "./network-defaults.ts";
import {
  addressAt,
  contains,
  formatIp,
  formatSubnet,
  includes,
  type IpFamily,
  normalizedIp,
  overlaps,
  parseIp,
  parseSubnet,
  type Subnet,
} from "../../lib/ip-address.ts";
import { BRIDGE_OPTION, mtuOf, type NetworkRecord, PREDEFINED_NETWORKS } from "./network-record.ts";

const INTERFACE_NAME = /^[^\s/:]{1,15}$/;
/** Below it the kernel takes IPv6 off an interface. */
export const IPV6_MTU_BYTES_MIN = 1280;
const ENABLE_IPV4 = "com.docker.network.enable_ipv4";
const ENABLE_IPV6 = "com.docker.network.enable_ipv6";
const FLAG_OPTIONS = [BRIDGE_OPTION.icc, BRIDGE_OPTION.masquerade, BRIDGE_OPTION.isDefault];

export interface PlanNetworkContext {
  readonly existing: readonly NetworkRecord[];
  /** Subnets that this host already reaches otherwise; chosen subnets keep clear of them. */
  readonly routed: readonly Subnet[];
  readonly id: EngineNetworkId;
  readonly nowMs: number;
  readonly defaults?: Pick<NetworkDefaults, "pools" | "bridgeOptions">;
}

/**
 * What a `network create` makes on this host.
 * @throws OperationError in Docker's words when the request cannot be honoured.
 */
export function planNetwork(asked: CreateNetworkRequest, context: PlanNetworkContext): NetworkRecord {
  const { existing, id, nowMs, defaults = NETWORK_DEFAULTS } = context;
  const { name } = asked;
  const driver = asked.driver === "" ? "bridge" : asked.driver;
  const request = driver === "bridge" ? { ...asked, options: { ...defaults.bridgeOptions, ...asked.options } } : asked;
  checkName(name, existing);
  const isIpv6 = wantsIpv6(asked, defaults);
  checkDriver(request, { driver, isIpv6 });
  checkOptions(request, existing);
  if (isIpv6 && mtuOf(request.options) < IPV6_MTU_BYTES_MIN) {
    const problem = `IPv6 needs at least ${IPV6_MTU_BYTES_MIN}`;
    throw new OperationError("invalid", `invalid MTU number: ${mtuOf(request.options)}: ${problem}`);
  }
  const families: readonly IpFamily[] = [...(request.isIpv4 ? [4 as const] : []), ...(isIpv6 ? [6 as const] : [])];
  return {
    id,
    name,
    createdAtMs: nowMs,
    scope: "local",
    driver,
    isIpv4: request.isIpv4,
    isIpv6,
    ipamDriver: request.ipamDriver === "" ? "default" : request.ipamDriver,
    ...(request.ipamOptions === undefined ? {} : { ipamOptions: request.ipamOptions }),
    ipam: planPools(request, families, context),
    isInternal: request.isInternal,
    isAttachable: request.isAttachable,
    isIngress: false,
    options: request.options,
    labels: request.labels,
  };
}

/** Asked for, or what the options say, those of all new networks included. */
export function wantsIpv6(
  { isIpv6, options }: Pick<CreateNetworkRequest, "isIpv6" | "options">,
  { bridgeOptions }: Pick<NetworkDefaults, "bridgeOptions">,
): boolean {
  return isIpv6 ?? (options[ENABLE_IPV6] ?? bridgeOptions[ENABLE_IPV6]) === "true";
}

function checkName(name: string, existing: readonly NetworkRecord[]): void {
  if (name.trim() === "") throw new OperationError("invalid", "invalid network name: name is empty");
  if (PREDEFINED_NETWORKS.includes(name) || name === "default") {
    throw new OperationError("forbidden", `operation is not permitted on predefined ${name} network`);
  }
  if (existing.some(network => network.name === name)) {
    throw new OperationError("conflict", `network with name ${name} already exists`);
  }
}

function checkDriver(
  request: CreateNetworkRequest,
  { driver, isIpv6 }: { readonly driver: string; readonly isIpv6: boolean },
): void {
  if (driver === "host" || driver === "null") {
    throw new OperationError("forbidden", `only one instance of "${driver}" network is allowed`);
  }
  if (driver !== "bridge") throw new OperationError("not-found", `plugin "${driver}" not found`);
  if (request.isIngress) throw new OperationError("invalid", "Ingress network can only be global scope");
  if (!request.isIpv4 && !isIpv6) throw new OperationError("invalid", "IPv4 or IPv6 must be enabled");
  if (request.ipamDriver !== "" && request.ipamDriver !== "default") {
    throw new OperationError("not-found", `plugin "${request.ipamDriver}" not found`);
  }
}

function checkOptions({ options }: CreateNetworkRequest, existing: readonly NetworkRecord[]): void {
  for (const name of [ENABLE_IPV4, ENABLE_IPV6]) {
    if (!["true", "false", undefined].includes(options[name])) {
      throw new OperationError("invalid", `driver-opt ${JSON.stringify(name)} is not a valid bool`);
    }
  }
  const interfaceName = options[BRIDGE_OPTION.name];
  if (interfaceName !== undefined) {
    if (!INTERFACE_NAME.test(interfaceName)) throw new OperationError("invalid", `invalid interface name ${interfaceName}`);
    if (existing.some(network => network.options[BRIDGE_OPTION.name] === interfaceName)) {
      throw new OperationError("forbidden", `bridge with name ${interfaceName} already exists`);
    }
  }
  const mtu = options[BRIDGE_OPTION.mtu];
  if (mtu !== undefined && !(/^\d+$/.test(mtu) && Number(mtu) >= 68 && Number(mtu) <= 65_535)) {
    if (/^\d+$/.test(mtu)) throw new OperationError("invalid", `invalid MTU number: ${mtu}`);
    const problem = `${mtu} (strconv.Atoi: parsing "${mtu}": invalid syntax)`;
    throw new OperationError("invalid", `failed to parse ${BRIDGE_OPTION.mtu} value: ${problem}`);
  }
  for (const flag of FLAG_OPTIONS) {
    const value = options[flag];
    if (value !== undefined && value !== "true" && value !== "false") {
      throw new OperationError("invalid", `failed to parse ${flag} value: ${JSON.stringify(value)}`);
    }
  }
  const hostBinding = options[BRIDGE_OPTION.hostBinding];
  if (hostBinding !== undefined && parseIp(hostBinding) === undefined) {
    throw new OperationError("invalid", `invalid IP address for ${BRIDGE_OPTION.hostBinding}: ${hostBinding}`);
  }
}

function planPools(
  request: CreateNetworkRequest,
  families: readonly IpFamily[],
  context: PlanNetworkContext,
): readonly IpamPool[] {
  const wanted = request.ipam.filter(pool => Object.keys(pool).length > 0);
  for (const { subnet = "", ipRange = "", gateway = "" } of wanted) {
    if (subnet !== "") continue;
    for (const [field, value] of Object.entries({ "ip-range": ipRange, gateway })) {
      if (value !== "") throw new OperationError("invalid", `invalid network config: ${field} ${value} has no matching subnet`);
    }
  }
  const ofFamily = (family: IpFamily) =>
    wanted.filter(({ subnet = "" }) => subnet !== "" && subnet.includes(":") === (family === 6));
  const isPlanned = (family: IpFamily) => families.includes(family) || ofFamily(family).length > 0;
  // One of a family that the network does not have is kept as it was given, and gives out nothing.
  const pools = ([4, 6] as const).filter(isPlanned).map(family => planPool(ofFamily(family), { family, context }));
  return pools.toSorted((left, right) => Number(left.isSubnetChosen === true) - Number(right.isSubnetChosen === true));
}

function planPool(
  wanted: readonly Partial<IpamPool>[],
  { family, context }: { readonly family: IpFamily; readonly context: PlanNetworkContext },
): IpamPool {
  const { existing, routed, defaults } = context;
  const used = existing.flatMap(network => network.ipam.map(({ subnet }) => parseSubnet(subnet)));
  if (wanted.length > 1) throw new OperationError("invalid", "bridge driver doesn't support multiple subnets");
  const [pool = {}] = wanted;
  if (pool.subnet === undefined) {
    const subnet = formatSubnet(chooseSubnet([...used, ...routed], defaults?.pools, family));
    return withGateway({ subnet, isSubnetChosen: true });
  }
  const subnet = parseSubnet(pool.subnet);
  const normalized = pool.subnet.replace(/^[^/]*/, normalizedIp);
  if (formatSubnet(subnet) !== normalized) {
    throw new OperationError(
      "invalid",
      `invalid network config:\ninvalid subnet ${pool.subnet}: it should be ${formatSubnet(subnet)}`,
    );
  }
  if (used.some(other => overlaps(subnet, other))) {
    throw new OperationError("forbidden", "invalid pool request: Pool overlaps with other one on this address space");
  }
  checkPool(pool, subnet);
  const { gateway, ipRange, auxiliaryAddresses } = pool;
  return withGateway({
    subnet: normalized,
    ...(gateway ? { gateway: normalizedIp(gateway) } : { isGatewayChosen: true }),
    ...(ipRange ? { ipRange } : {}),
    ...(auxiliaryAddresses ? { auxiliaryAddresses } : {}),
  });
}

function checkPool(pool: Partial<IpamPool>, subnet: Subnet): void {
  const text = formatSubnet(subnet);
  if (pool.ipRange && !includes(subnet, parseSubnet(pool.ipRange))) {
    throw new OperationError("invalid", `invalid network config:\ninvalid ip-range ${pool.ipRange}: parent subnet is ${text}`);
  }
  const addresses = { gateway: pool.gateway, ...pool.auxiliaryAddresses };
  for (const [what, address] of Object.entries(addresses)) {
    if (!address) continue;
    const parsed = parseIp(address);
    const label = what === "gateway" ? "gateway" : "auxiliary address";
    if (parsed === undefined) throw new OperationError("invalid", `invalid network config:\ninvalid ${label} ${address}`);
    if (!contains(subnet, parsed)) {
      throw new OperationError("invalid", `invalid network config:\n${outside({ what, address, parent: text })}`);
    }
  }
}

function outside({
  what,
  address,
  parent,
}: {
  readonly what: string;
  readonly address: string;
  readonly parent: string;
}): string {
  if (what === "gateway") return `invalid gateway ${address}: parent subnet is ${parent}`;
  return `invalid auxiliary address ${what}: parent subnet ${parent} doesn't contain this address`;
}

/** The first address is the gateway's, unless it was named. */
function withGateway(pool: IpamPool): IpamPool {
  if (pool.gateway !== undefined) return pool;
  const taken = new Set(Object.values(pool.auxiliaryAddresses ?? {}).map(normalizedIp));
  const range = parseSubnet(pool.ipRange ?? pool.subnet);
  let offset = range.base === parseSubnet(pool.subnet).base ? 1n : 0n;
  while (taken.has(formatIp(addressAt(range, offset)))) offset++;
  return { ...pool, gateway: formatIp(addressAt(range, offset)) };
}
