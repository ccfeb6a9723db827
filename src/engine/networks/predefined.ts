import type { EngineNetworkId } from "../../model/ids.ts";
import { HOST_BRIDGE } from "./firewall-rules.ts";
import { formatIpv4, formatSubnet, type Subnet } from "./ipv4.ts";
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

export function defaultBridge(origin: Origin, subnet: Subnet): NetworkRecord {
  return {
    ...blank(origin),
    name: "bridge",
    ipam: [pool(subnet)],
    options: {
      [BRIDGE_OPTION.isDefault]: "true",
      [BRIDGE_OPTION.icc]: "true",
      [BRIDGE_OPTION.masquerade]: "true",
      [BRIDGE_OPTION.hostBinding]: "0.0.0.0",
      [BRIDGE_OPTION.name]: "docker0",
      [BRIDGE_OPTION.mtu]: "1500",
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

function pool(subnet: Subnet) {
  return { subnet: formatSubnet(subnet), gateway: formatIpv4(subnet.base + 1) };
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
    ipamOptions: {},
    ipam: [],
    isInternal: false,
    isAttachable: false,
    isIngress: false,
    options: {},
    labels: {},
  };
}
