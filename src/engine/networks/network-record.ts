import type { Labels } from "../../model/cluster.ts";
import type { EngineNetwork, IpamPool } from "../../model/engine-network.ts";
import type { EngineNetworkId } from "../../model/ids.ts";
import type { Subnet } from "./ipv4.ts";
import { parseSubnet } from "./ipv4.ts";

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

/** A network of driver `bridge`, its options read. */
export interface BridgeSettings {
  readonly interfaceName: string;
  readonly subnet: Subnet;
  readonly pool: IpamPool;
  readonly mtuBytes: number;
  readonly isIccEnabled: boolean;
  readonly isMasquerading: boolean;
  readonly isInternal: boolean;
  /** Where ports are published that name no address. */
  readonly hostBindingAddress: string;
}

export function bridgeSettings(network: NetworkRecord): BridgeSettings | undefined {
  const [pool] = network.ipam;
  if (network.driver !== "bridge" || pool === undefined) return undefined;
  const { options } = network;
  return {
    interfaceName: options[BRIDGE_OPTION.name] ?? defaultInterfaceName(network.id),
    subnet: parseSubnet(pool.subnet),
    pool,
    mtuBytes: mtuOf(options),
    isIccEnabled: options[BRIDGE_OPTION.icc] !== "false",
    isMasquerading: options[BRIDGE_OPTION.masquerade] !== "false" && !network.isInternal,
    isInternal: network.isInternal,
    hostBindingAddress: options[BRIDGE_OPTION.hostBinding] ?? "0.0.0.0",
  };
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
