import type { Container, EndpointState, NetworkState } from "../../model/container.ts";
import type { EngineNetwork } from "../../model/engine-network.ts";
import type { ContainerId, EngineNetworkId } from "../../model/ids.ts";
import type { NetworkRecord } from "./network-record.ts";
import { portsState } from "./published-ports.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

/** What inspect shows of a container's networks while it runs. */
export function networkStateOf(record: SandboxRecord, container: Container): NetworkState {
  return {
    sandboxId: record.sandboxId,
    sandboxKey: record.path,
    ports: portsState(record.published, container.config),
    endpoints: Object.fromEntries(record.endpoints.map(endpoint => [endpoint.networkName, endpointState(endpoint)])),
  };
}

function endpointState(endpoint: EndpointRecord): EndpointState {
  return {
    config: endpoint.config,
    networkId: endpoint.networkId,
    endpointId: endpoint.endpointId,
    gateway: endpoint.gateway,
    ipAddress: endpoint.address,
    ipPrefixLength: endpoint.prefixLength,
    ipv6Gateway: endpoint.ipv6?.gateway ?? "",
    globalIpv6Address: endpoint.ipv6?.address ?? "",
    globalIpv6PrefixLength: endpoint.ipv6?.prefixLength ?? 0,
    macAddress: endpoint.macAddress,
    dnsNames: endpoint.dnsNames,
  };
}

/** Networks `host` and `none` give a container neither address nor interface. */
export function bareNetworkState(
  network: NetworkRecord,
  { endpointId, sandboxId, sandboxKey }: { readonly endpointId: string; readonly sandboxId: string; readonly sandboxKey: string },
): NetworkState {
  const endpoint: EndpointRecord = {
    networkId: network.id,
    networkName: network.name,
    endpointId,
    config: {},
    address: "",
    prefixLength: 0,
    gateway: "",
    macAddress: "",
    dnsNames: [],
  };
  return { sandboxId, sandboxKey, ports: {}, endpoints: { [network.name]: endpointState(endpoint) } };
}

/** What a network's inspect shows of the containers on it. */
export function containersOn(id: EngineNetworkId, sandboxes: readonly SandboxRecord[]): EngineNetwork["containers"] {
  const containers: Record<ContainerId, EngineNetwork["containers"][ContainerId]> = {};
  for (const { containerId, containerName, endpoints } of sandboxes) {
    for (const { networkId, endpointId, macAddress, address, prefixLength, ipv6 } of endpoints) {
      if (networkId !== id) continue;
      const ipv4Address = address === "" ? "" : `${address}/${prefixLength}`;
      const ipv6Address = ipv6 === undefined ? "" : `${ipv6.address}/${ipv6.prefixLength}`;
      containers[containerId] = { name: containerName, endpointId, macAddress, ipv4Address, ipv6Address };
    }
  }
  return containers;
}
