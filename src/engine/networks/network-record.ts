import type { Labels } from "../../model/cluster.ts";
import type { EngineNetwork, IpamPool } from "../../model/engine-network.ts";
import type { EngineNetworkId } from "../../model/ids.ts";
import { type IpFamily, parseSubnet, type Subnet } from "../../lib/ip-address.ts";

/** What is kept of a network: everything but who is on it. */
export type NetworkRecord = Omit<EngineNetwork, "containers">;

export const BRIDGE_OPTION = {
  name: "com.docker.network.bridge.name",
  isDefault: "com.docker.network.bridge.default_bridge",
  icc: "com.docker.network.bridge.enable_icc",
  masquerade: "com.docker.network.bridge.enable_ip_masquerade",
  hostBinding: "com.docker.network.bridge.host_binding_ipv4",
  mtu: "com.docker.network.driver.mtu",
} as const;

const MTU_BYTES = 1500;

/** The addresses of one family that a bridge network gives out. */
export interface BridgeRange {
  readonly family: IpFamily;
  readonly subnet: Subnet;
  readonly pool: IpamPool;
}

/** A network of driver `bridge`, its options read. */
export interface BridgeSettings {
  readonly interfaceName: string;
  /** One of each family that it has. */
  readonly ranges: readonly BridgeRange[];
  readonly mtuBytes: number;
  readonly isIccEnabled: boolean;
  readonly isMasquerading: boolean;
  readonly isInternal: boolean;
  /** Where ports are published that name no address. */
  readonly hostBindingAddress: string;
}

export function bridgeSettings(network: NetworkRecord): BridgeSettings | undefined {
  const ranges = ([4, 6] as const).flatMap((family): readonly BridgeRange[] => {
    const pool = poolOf(network, family);
    return pool === undefined ? [] : [{ family, subnet: parseSubnet(pool.subnet), pool }];
  });
  if (network.driver !== "bridge" || ranges.length === 0) return undefined;
  const { options } = network;
  return {
    interfaceName: options[BRIDGE_OPTION.name] ?? defaultInterfaceName(network.id),
    ranges,
    mtuBytes: mtuOf(options),
    isIccEnabled: options[BRIDGE_OPTION.icc] !== "false",
    isMasquerading: options[BRIDGE_OPTION.masquerade] !== "false" && !network.isInternal,
    isInternal: network.isInternal,
    hostBindingAddress: options[BRIDGE_OPTION.hostBinding] ?? "0.0.0.0",
  };
}

/** The range of a network's addresses of one family, where it has that family. */
export function poolOf(
  { ipam, isIpv4, isIpv6 }: Pick<NetworkRecord, "ipam" | "isIpv4" | "isIpv6">,
  family: IpFamily,
): IpamPool | undefined {
  if (family === 4 ? !isIpv4 : !isIpv6) return undefined;
  return ipam.find(({ subnet }) => subnet.includes(":") === (family === 6));
}

export function mtuOf(options: Labels): number {
  return Number(options[BRIDGE_OPTION.mtu] ?? MTU_BYTES);
}

function defaultInterfaceName(id: EngineNetworkId): string {
  return `br-${id.slice(0, 12)}`;
}

/** The networks that every engine has and nobody may remove. */
export const PREDEFINED_NETWORKS: readonly string[] = ["bridge", "host", "none"];

export function isPredefined(network: NetworkRecord): boolean {
  return PREDEFINED_NETWORKS.includes(network.name) && network.scope === "local";
}

/** Names are resolved, and the name server answers, on every network but the predefined ones. */
export function isUserDefined(network: NetworkRecord): boolean {
  return !isPredefined(network);
}
