import { OperationError } from "../../lib/errors.ts";
import type { IpamPool } from "../../model/engine-network.ts";
import type { EngineNetworkId } from "../../model/ids.ts";
import { HOST_BRIDGE } from "./firewall-rules.ts";
import {
  addressAt,
  formatIp,
  formatSubnet,
  includes,
  parseInterfaceAddress,
  parseSubnet,
  type Subnet,
} from "../../lib/ip-address.ts";
import type { DefaultBridge } from "./network-defaults.ts";
import { BRIDGE_OPTION, type NetworkRecord } from "./network-record.ts";

interface Origin {
  readonly id: EngineNetworkId;
  readonly nowMs: number;
}

export function hostNetwork(origin: Origin): NetworkRecord {
  return { ...blank(origin), name: "host", driver: "host" };
}

export function nullNetwork(origin: Origin): NetworkRecord {
  return { ...blank(origin), name: "none", driver: "null" };
}

export function defaultBridge(origin: Origin, settings: DefaultBridge, ipam: readonly IpamPool[]): NetworkRecord {
  return {
    ...blank(origin),
    name: "bridge",
    isIpv6: settings.isIpv6,
    ipam,
    options: {
      [BRIDGE_OPTION.isDefault]: "true",
      [BRIDGE_OPTION.icc]: String(settings.isIccEnabled),
      [BRIDGE_OPTION.masquerade]: String(settings.isMasquerading),
      [BRIDGE_OPTION.hostBinding]: settings.hostBindingAddress,
      [BRIDGE_OPTION.name]: "docker0",
      [BRIDGE_OPTION.mtu]: String(settings.mtuBytes),
    },
  };
}

/** Joins the tasks of a swarm to their host; they do not see each other on it. */
export function hostBridge(origin: Origin, subnet: Subnet): NetworkRecord {
  return {
    ...blank(origin),
    name: HOST_BRIDGE,
    ipam: [pool(subnet)],
    options: { [BRIDGE_OPTION.icc]: "false", [BRIDGE_OPTION.masquerade]: "true", [BRIDGE_OPTION.name]: HOST_BRIDGE },
  };
}

/** @throws OperationError `invalid` for a range outside the address's subnet. */
export async function bridgePool(wanted: {
  readonly address: string | undefined;
  readonly ipRange: string | undefined;
  readonly freeSubnet: () => Promise<Subnet>;
}): Promise<IpamPool> {
  const named = wanted.address === undefined ? undefined : parseInterfaceAddress(wanted.address);
  const range = wanted.ipRange === undefined ? undefined : parseSubnet(wanted.ipRange);
  const subnet = named?.subnet ?? range ?? (await wanted.freeSubnet());
  if (range !== undefined && !includes(subnet, range)) {
    const name = range.family === 4 ? "fixed-cidr" : "fixed-cidr-v6";
    throw new OperationError("invalid", `invalid ${name} ${formatSubnet(range)}: the bridge's subnet is ${formatSubnet(subnet)}`);
  }
  const gateway = named === undefined || named.address.value === subnet.base ? addressAt(subnet, 1n) : named.address;
  return {
    subnet: formatSubnet(subnet),
    gateway: formatIp(gateway),
    ...(range === undefined ? {} : { ipRange: formatSubnet(range) }),
  };
}

function pool(subnet: Subnet) {
  return { subnet: formatSubnet(subnet), gateway: formatIp(addressAt(subnet, 1n)) };
}

function blank({ id, nowMs }: Origin): NetworkRecord {
  return {
    id,
    name: "",
    createdAtMs: nowMs,
    scope: "local",
    driver: "bridge",
    isIpv4: true,
    isIpv6: false,
    ipamDriver: "default",
    ipam: [],
    isInternal: false,
    isAttachable: false,
    isIngress: false,
    options: {},
    labels: {},
  };
}
