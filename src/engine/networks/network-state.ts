import type { Container, EndpointState, NetworkState } from "../../model/container.ts";
import type { NetworkRecord } from "./network-record.ts";
import { portsState } from "./published-ports.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

/** What inspect shows of a container's networks while it runs. */
export function networkStateOf(record: SandboxRecord, container: Container): NetworkState {
  const { portBindings } = container.hostConfig;
  return {
    sandboxId: record.sandboxId,
    sandboxKey: record.path,
    ports: portsState(record.published, { portBindings, exposedPorts: container.config.exposedPorts }),
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
