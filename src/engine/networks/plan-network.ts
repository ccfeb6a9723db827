import { OperationError } from "../../lib/errors.ts";
import type { CreateNetworkRequest, IpamPool } from "../../model/engine-network.ts";
import type { EngineNetworkId } from "../../model/ids.ts";
import { chooseSubnet } from "./default-pools.ts";
import { NETWORK_DEFAULTS, type NetworkDefaults } from "./network-defaults.ts";
import { contains, formatIpv4, formatSubnet, overlaps, parseIpv4, parseSubnet, type Subnet } from "./ipv4.ts";
import { BRIDGE_OPTION, type NetworkRecord, PREDEFINED_NETWORKS } from "./network-record.ts";

const INTERFACE_NAME = /^[^\s/:]{1,15}$/;
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
  checkDriver(request, driver);
  checkOptions(request, existing);
  return {
    id,
    name,
    createdAtMs: nowMs,
    scope: "local",
    driver,
    isIpv4: true,
    isIpv6: false,
    ipamDriver: request.ipamDriver === "" ? "default" : request.ipamDriver,
    ...(request.ipamOptions === undefined ? {} : { ipamOptions: request.ipamOptions }),
    ipam: driver === "bridge" ? [planPool(request, context)] : [],
    isInternal: request.isInternal,
    isAttachable: request.isAttachable,
    isIngress: false,
    options: request.options,
    labels: request.labels,
  };
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

function checkDriver(request: CreateNetworkRequest, driver: string): void {
  if (driver === "host" || driver === "null") {
    throw new OperationError("forbidden", `only one instance of "${driver}" network is allowed`);
  }
  if (driver !== "bridge") throw new OperationError("not-found", `plugin "${driver}" not found`);
  if (request.isIngress) throw new OperationError("invalid", "Ingress network can only be global scope");
  if (request.isIpv6) throw new OperationError("invalid", "IPv6 networks are not supported by this engine");
  if (!request.isIpv4) throw new OperationError("invalid", "IPv4 or IPv6 must be enabled");
  if (request.ipamDriver !== "" && request.ipamDriver !== "default") {
    throw new OperationError("not-found", `plugin "${request.ipamDriver}" not found`);
  }
}

function checkOptions({ options }: CreateNetworkRequest, existing: readonly NetworkRecord[]): void {
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
  if (hostBinding !== undefined && parseIpv4(hostBinding) === undefined) {
    throw new OperationError("invalid", `invalid IP address for ${BRIDGE_OPTION.hostBinding}: ${hostBinding}`);
  }
}

function planPool(request: CreateNetworkRequest, { existing, routed, defaults }: PlanNetworkContext): IpamPool {
  const used = existing.flatMap(network => network.ipam.map(pool => parseSubnet(pool.subnet)));
  const wanted = request.ipam.filter(pool => Object.keys(pool).length > 0);
  if (wanted.length > 1) throw new OperationError("invalid", "bridge driver doesn't support multiple subnets");
  const [pool = {}] = wanted;
  if (pool.subnet === undefined || pool.subnet === "") {
    for (const [field, value] of Object.entries({ "ip-range": pool.ipRange, gateway: pool.gateway })) {
      if (value !== undefined && value !== "") {
        throw new OperationError("invalid", `invalid network config: ${field} ${value} has no matching subnet`);
      }
    }
    return withGateway({ subnet: formatSubnet(chooseSubnet([...used, ...routed], defaults?.pools)) });
  }
  const subnet = parseSubnet(pool.subnet);
  if (formatSubnet(subnet) !== pool.subnet) {
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
    subnet: pool.subnet,
    ...(gateway ? { gateway } : { isGatewayChosen: true }),
    ...(ipRange ? { ipRange } : {}),
    ...(auxiliaryAddresses ? { auxiliaryAddresses } : {}),
  });
}

function checkPool(pool: Partial<IpamPool>, subnet: Subnet): void {
  const text = formatSubnet(subnet);
  if (pool.ipRange) {
    const range = parseSubnet(pool.ipRange);
    if (!contains(subnet, range.base) || range.prefixLength < subnet.prefixLength) {
      throw new OperationError("invalid", `invalid network config:\ninvalid ip-range ${pool.ipRange}: parent subnet is ${text}`);
    }
  }
  const addresses = { gateway: pool.gateway, ...pool.auxiliaryAddresses };
  for (const [what, address] of Object.entries(addresses)) {
    if (!address) continue;
    const parsed = parseIpv4(address);
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
  const taken = new Set(Object.values(pool.auxiliaryAddresses ?? {}));
  let address = parseSubnet(pool.ipRange ?? pool.subnet).base;
  if (address === parseSubnet(pool.subnet).base) address++;
  while (taken.has(formatIpv4(address))) address++;
  return { ...pool, gateway: formatIpv4(address) };
}
