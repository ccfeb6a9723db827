import type { EndpointConfig } from "../../model/container.ts";
import type { ContainerId, EngineNetworkId } from "../../model/ids.ts";
import type { ResolvSettings } from "./container-files.ts";
import type { PublishedPort } from "./published-ports.ts";

/** How a container is on one network: all that is needed to take it up again or to take it down. */
export interface EndpointRecord {
  readonly networkId: EngineNetworkId;
  readonly networkName: string;
  readonly endpointId: string;
  readonly config: EndpointConfig;
  /** Dotted quad; "" on a network of IPv6 alone. */
  readonly address: string;
  readonly prefixLength: number;
  /** Missing: the network has no IPv6. */
  readonly ipv6?: Ipv6Endpoint;
  /** With prefix lengths: further ones, for neighbours alone. */
  readonly linkLocalAddresses?: readonly string[];
  /** "" where there is none. */
  readonly gateway: string;
  readonly macAddress: string;
  readonly dnsNames: readonly string[];
  /** Names that stand for others on this network, for this container alone. */
  readonly linkedNames?: Readonly<Record<string, string>>;
  /** Missing: the network has no interface in the container (ingress: its address lives on the host). */
  readonly link?: { readonly hostName: string; readonly containerName: string };
}

export interface Ipv6Endpoint {
  readonly address: string;
  readonly prefixLength: number;
  /** "" where there is none. */
  readonly gateway: string;
}

/**
 * What the kernel holds for a container. Kept beside the pinned namespaces, on the same file system that a reboot empties, so that
 * it says what is there even when the daemon died in between.
 */
export interface SandboxRecord {
  readonly containerId: ContainerId;
  readonly containerName: string;
  readonly hostName: string;
  readonly sandboxId: string;
  readonly path: string;
  /** Where the user namespace is pinned that was made for it. */
  readonly userPath?: string;
  readonly endpoints: readonly EndpointRecord[];
  /** The interface towards the host of a container that is on cluster networks only. */
  readonly hostEndpoint?: EndpointRecord;
  readonly published: readonly PublishedPort[];
  /** What published ports lead to. */
  readonly publishedAddress: string;
  readonly publishedIpv6Address?: string;
  /** The endpoint that is being taken away. */
  readonly leaving?: string;
  readonly resolv: ResolvSettings;
  readonly hosts: string;
  readonly resolvConf: string;
}

/** Every interface, that towards the host included. */
export function allEndpoints(record: SandboxRecord): readonly EndpointRecord[] {
  return record.hostEndpoint === undefined ? record.endpoints : [...record.endpoints, record.hostEndpoint];
}

/** Of both families. */
export function addressesOf({ address, ipv6 }: Pick<EndpointRecord, "address" | "ipv6">): readonly string[] {
  return [address, ipv6?.address ?? ""].filter(text => text !== "");
}
