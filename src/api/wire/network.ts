import type { Network, NetworkSpec } from "../../model/cluster.ts";
import type { EndpointConfig } from "../../model/container.ts";
import type { NodeNetwork } from "../../model/node-networks.ts";
import type { CreateNetworkRequest, EngineNetwork, IpamPool } from "../../model/engine-network.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { endpointConfig } from "./endpoint.ts";
import { refusing } from "./refusing.ts";
import { adapt, flag, list, map, optional, text, textMap, unlessZero } from "./scalars.ts";
import { rfc3339 } from "./times.ts";

const pool = struct<Partial<Omit<IpamPool, "isGatewayChosen" | "isSubnetChosen">>>("network.IPAMConfig", {
  subnet: omitEmpty("Subnet", unlessZero(text)),
  ipRange: omitEmpty("IPRange", unlessZero(text)),
  gateway: omitEmpty("Gateway", unlessZero(text)),
  auxiliaryAddresses: omitEmpty("AuxiliaryAddresses", unlessZero(textMap)),
});

interface Ipam {
  readonly driver: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly pools: readonly Partial<IpamPool>[];
}

const ipam = struct<Ipam>("network.IPAM", {
  driver: field("Driver", text),
  options: field("Options", optional(map(text))),
  pools: field("Config", list(pool, { empty: "[]" })),
});

interface NetworkCreateBody {
  readonly name: string;
  readonly driver: string;
  readonly scope: string;
  readonly isIpv4?: boolean;
  readonly isIpv6?: boolean;
  readonly ipam?: Ipam;
  readonly isInternal: boolean;
  readonly isAttachable: boolean;
  readonly isIngress: boolean;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

const wireCreate = refusing(
  struct<NetworkCreateBody>("network.CreateRequest", {
    name: field("Name", text),
    driver: field("Driver", text),
    scope: field("Scope", text),
    isIpv4: field("EnableIPv4", optional(flag)),
    isIpv6: field("EnableIPv6", optional(flag)),
    ipam: field("IPAM", optional(ipam)),
    isInternal: field("Internal", flag),
    isAttachable: field("Attachable", flag),
    isIngress: field("Ingress", flag),
    options: field("Options", textMap),
    labels: field("Labels", textMap),
  }),
  ["ConfigOnly", "ConfigFrom"],
);

export const networkCreateBody = {
  read(value: unknown): CreateNetworkRequest {
    const { ipam: given, isIpv4 = true, scope, ...rest } = wireCreate.read(value);
    return {
      ...rest,
      scope: scope as CreateNetworkRequest["scope"],
      isIpv4,
      ipamDriver: given?.driver || "default",
      ...(given?.options === undefined ? {} : { ipamOptions: given.options }),
      ipam: given?.pools ?? [],
    };
  },
  write({ ipamDriver, ipamOptions, ipam: pools, ...rest }: CreateNetworkRequest): Record<string, unknown> {
    return wireCreate.write({ ...rest, ipam: ipamOf({ driver: ipamDriver, options: ipamOptions, pools }) });
  },
};

export interface ConnectBody {
  readonly container: string;
  readonly endpoint: EndpointConfig;
  readonly force: boolean;
}

const orNothing = adapt(optional(endpointConfig), {
  toModel: (value: EndpointConfig | undefined): EndpointConfig => value ?? {},
  toWire: (value: EndpointConfig): EndpointConfig | undefined => value,
});

/** Of connect, which has an endpoint, and of disconnect, which may be forced. */
export const connectBody = struct<ConnectBody>("network.ConnectOptions", {
  container: field("Container", text),
  endpoint: field("EndpointConfig", orNothing),
  force: field("Force", flag),
});

export function networkJson(network: EngineNetwork): Record<string, unknown> {
  const { ipamDriver: driver, ipamOptions: options, ipam: pools } = network;
  return {
    Name: network.name,
    Id: network.id,
    Created: rfc3339(network.createdAtMs),
    Scope: network.scope,
    Driver: network.driver,
    EnableIPv4: network.isIpv4,
    EnableIPv6: network.isIpv6,
    // Where no addresses are given out there is no list of ranges either.
    IPAM: {
      ...ipam.write(ipamOf({ driver, options, pools: pools.map(asGiven) })),
      ...(pools.length === 0 ? { Config: null } : {}),
    },
    Internal: network.isInternal,
    Attachable: network.isAttachable,
    Ingress: network.isIngress,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      Object.entries(network.containers).map(([id, { name, endpointId, macAddress, ipv4Address, ipv6Address }]) => [
        id,
        { Name: name, EndpointID: endpointId, MacAddress: macAddress, IPv4Address: ipv4Address, IPv6Address: ipv6Address },
      ]),
    ),
    Options: network.options,
    Labels: network.labels,
  };
}

function ipamOf({ options, ...others }: Omit<Ipam, "options"> & { readonly options: Ipam["options"] | undefined }): Ipam {
  return { ...others, ...(options === undefined ? {} : { options }) };
}

function asGiven({ gateway, isGatewayChosen, isSubnetChosen: _own, ...others }: IpamPool): Partial<IpamPool> {
  return gateway === undefined || isGatewayChosen === true ? others : { ...others, gateway };
}

/** A cluster network as this host shows it: it may take no part in it. */
export function clusterNetworkJson({ id, spec, createdAtMs, ipam: allocated, vxlanId }: Network): Record<string, unknown> {
  const pools = allocated.length > 0 ? allocated : spec.ipam;
  const vxlan = vxlanId === undefined ? {} : { "com.docker.network.driver.overlay.vxlanid_list": String(vxlanId) };
  return {
    Name: spec.name,
    Id: id,
    Created: rfc3339(createdAtMs),
    Scope: "swarm",
    Driver: spec.driver,
    EnableIPv4: true,
    EnableIPv6: spec.isIpv6,
    IPAM: ipam.write({ driver: "default", pools }),
    Internal: spec.isInternal,
    Attachable: spec.isAttachable,
    Ingress: spec.isIngress,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: null,
    Options: { ...spec.driverOptions, ...vxlan },
    Labels: Object.keys(spec.labels).length === 0 ? null : spec.labels,
  };
}

/** @param createdAtMs - When the cluster was founded: they were there from the start. */
export function nodeNetworkJson({ id, name }: NodeNetwork, createdAtMs: number): Record<string, unknown> {
  return {
    Name: name,
    Id: id,
    Created: rfc3339(createdAtMs),
    Scope: "swarm",
    Driver: name,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: "", Options: null, Config: [] },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: null,
    Options: null,
    Labels: { "com.docker.swarm.predefined": "true" },
  };
}

export function toNetworkSpec(request: CreateNetworkRequest): NetworkSpec {
  return {
    name: request.name,
    labels: request.labels,
    driver: request.driver,
    driverOptions: request.options,
    isInternal: request.isInternal,
    isAttachable: request.isAttachable,
    isIngress: request.isIngress,
    isIpv6: request.isIpv6 ?? false,
    ipam: request.ipam.map(({ subnet, gateway, ipRange, auxiliaryAddresses }) => ({
      ...(subnet === undefined ? {} : { subnet }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(ipRange === undefined ? {} : { ipRange }),
      ...(auxiliaryAddresses === undefined ? {} : { auxiliaryAddresses }),
    })),
    scope: "swarm",
  };
}
