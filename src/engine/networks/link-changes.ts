import { OperationError } from "../../lib/errors.ts";
import { formatIp, parseInterfaceAddress } from "../../lib/ip-address.ts";
import type { LinkChange } from "../../ports/kernel-network.ts";
import { gatewaysOf } from "./endpoint-plan.ts";
import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";

export interface LinkPlacement {
  readonly bridge: string;
  readonly mtuBytes: number;
  /** Packets that come from a port may go back into it: a container that calls its own published port. */
  readonly isHairpin: boolean;
  /** The container's. */
  readonly namespaceFd: number;
}

/** Made where the bridge is. A device of that name is left from a daemon that was killed; an error is told by the add. */
export function outerLinkChanges({ link, macAddress }: EndpointRecord, placement: LinkPlacement): readonly LinkChange[] {
  if (link === undefined) return [];
  const { namespaceFd, ...rest } = placement;
  return [{ kind: "add-pair", name: link.hostName, ...rest, peer: { name: link.containerName, macAddress, namespaceFd } }];
}

/** Made inside the container's namespace. */
export function innerLinkChanges(endpoint: EndpointRecord): readonly LinkChange[] {
  const { link, address, prefixLength, ipv6, linkLocalAddresses = [] } = endpoint;
  if (link === undefined) return [];
  const device = link.containerName;
  return [
    ...(address === "" ? [] : [{ kind: "add-address", device, address, prefixLength } as const]),
    ...(ipv6 === undefined
      ? []
      : [{ kind: "add-address", device, address: ipv6.address, prefixLength: ipv6.prefixLength } as const]),
    ...linkLocalAddresses.map(text => ({ kind: "add-address", device, ...parsed(text) }) as const),
    { kind: "raise", device },
  ];
}

/** What the host is told of who has come onto its bridge. */
export function neighbourChanges(
  { link, address, ipv6, macAddress }: EndpointRecord,
  { bridge }: Pick<LinkPlacement, "bridge">,
): readonly LinkChange[] {
  const addresses = link === undefined ? [] : [address, ipv6?.address ?? ""].filter(text => text !== "");
  return addresses.map(text => ({ kind: "neighbour", device: bridge, address: text, macAddress }) as const);
}

function parsed(text: string): { readonly address: string; readonly prefixLength: number } {
  const { address, prefixLength } = parseInterfaceAddress(text) ?? {};
  if (address === undefined || prefixLength === undefined) throw new OperationError("internal", `${text} is no address`);
  return { address: formatIp(address), prefixLength };
}

export function defaultRouteChanges(record: Pick<SandboxRecord, "endpoints" | "hostEndpoint">): readonly LinkChange[] {
  const { ipv4, ipv6 } = gatewaysOf(record);
  const route = (device: string | undefined, gateway = ""): readonly LinkChange[] =>
    device === undefined ? [] : [{ kind: "default-route", device, gateway }];
  return [...route(ipv4?.link?.containerName, ipv4?.gateway), ...route(ipv6?.link?.containerName, ipv6?.ipv6?.gateway)];
}
