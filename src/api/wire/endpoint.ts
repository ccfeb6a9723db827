import type { EndpointConfig, EndpointState } from "../../model/container.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { adapt, int, optional, text, textMap, texts, textsOrEmpty, unlessZero } from "./scalars.ts";

interface IpamConfig {
  readonly ipv4Address?: string;
  readonly ipv6Address?: string;
  readonly linkLocalIps?: readonly string[];
}

const ipamConfig = struct<IpamConfig>("network.EndpointIPAMConfig", {
  ipv4Address: omitEmpty("IPv4Address", unlessZero(text)),
  ipv6Address: omitEmpty("IPv6Address", unlessZero(text)),
  linkLocalIps: omitEmpty("LinkLocalIPs", unlessZero(texts)),
});

interface WireEndpoint extends Omit<EndpointConfig, keyof IpamConfig | "isIpamEmpty" | "isAllocated"> {
  readonly ipam?: IpamConfig;
}

const wireEndpoint = struct<WireEndpoint>("network.EndpointSettings", {
  ipam: field("IPAMConfig", optional(ipamConfig)),
  links: field("Links", optional(textsOrEmpty)),
  aliases: field("Aliases", optional(textsOrEmpty)),
  macAddress: field("MacAddress", unlessZero(text)),
  driverOptions: field("DriverOpts", optional(textMap)),
  gatewayPriority: field("GwPriority", unlessZero(int)),
  networkId: field("NetworkID", unlessZero(text)),
});

/** The part of an endpoint that users set. */
export const endpointConfig = adapt(wireEndpoint, {
  toModel({ ipam, ...rest }: WireEndpoint): EndpointConfig {
    const isIpamEmpty = ipam !== undefined && Object.keys(ipam).length === 0;
    return { ...rest, ...ipam, ...(isIpamEmpty && { isIpamEmpty }) };
  },
  toWire({ ipv4Address, ipv6Address, linkLocalIps, isIpamEmpty = false, ...rest }): WireEndpoint {
    const ipam = {
      ...(ipv4Address === undefined ? {} : { ipv4Address }),
      ...(ipv6Address === undefined ? {} : { ipv6Address }),
      ...(linkLocalIps === undefined ? {} : { linkLocalIps }),
    };
    return Object.keys(ipam).length === 0 && !isIpamEmpty ? rest : { ...rest, ipam };
  },
});

/** An endpoint as inspect and ps show it. */
export function endpointSettings(state: EndpointState): Record<string, unknown> {
  // Added to what was just written and not spread: lists show hundreds, and a spread of such an object takes ten microseconds.
  return Object.assign(endpointConfig.write(state.config) as Record<string, unknown>, {
    MacAddress: state.macAddress,
    NetworkID: state.networkId,
    EndpointID: state.endpointId,
    Gateway: state.gateway,
    IPAddress: state.ipAddress,
    IPPrefixLen: state.ipPrefixLength,
    IPv6Gateway: state.ipv6Gateway,
    GlobalIPv6Address: state.globalIpv6Address,
    GlobalIPv6PrefixLen: state.globalIpv6PrefixLength,
    DNSNames: state.dnsNames.length === 0 ? null : state.dnsNames,
  });
}
