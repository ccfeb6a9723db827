import type { EndpointRecord, SandboxRecord } from "./sandbox-record.ts";
import { gatewaysOf } from "./endpoint-plan.ts";

export interface LinkPlacement {
  readonly bridge: string;
  readonly mtuBytes: number;
  /** Packets that come from a port may go back into it: a container that calls its own published port. */
  readonly isHairpin: boolean;
  /** Of a process inside the container's namespace. */
  readonly namespacePid: number;
}

/** Run where the bridge is. A device of that name is left from a daemon that was killed; an error is told by the add. */
export function outerLinkCommands(endpoint: EndpointRecord, placement: LinkPlacement): readonly string[] {
  const { link, macAddress } = endpoint;
  if (link === undefined) return [];
  const { bridge, mtuBytes, namespacePid } = placement;
  const inner = `name ${link.containerName} mtu ${mtuBytes} address ${macAddress} netns ${namespacePid}`;
  return [
    `link add name ${link.hostName} mtu ${mtuBytes} type veth peer ${inner}`,
    `link set dev ${link.hostName} master ${bridge} up`,
    ...(placement.isHairpin ? [`link set dev ${link.hostName} type bridge_slave hairpin on`] : []),
  ];
}

/** Run inside the container's namespace. */
export function innerLinkCommands(endpoint: EndpointRecord): readonly string[] {
  const { link, address, prefixLength, ipv6, linkLocalAddresses = [] } = endpoint;
  if (link === undefined) return [];
  const device = `dev ${link.containerName}`;
  return [
    ...(address === "" ? [] : [`addr add ${address}/${prefixLength} brd + ${device}`]),
    // Nobody else has it: to ask around would only keep programs from using it.
    ...(ipv6 === undefined ? [] : [`addr add ${ipv6.address}/${ipv6.prefixLength} nodad ${device}`]),
    ...linkLocalAddresses.map(local =>
      local.includes(":") ? `addr add ${local} nodad ${device}` : `addr add ${local} brd + ${device}`,
    ),
    `link set ${device} up`,
  ];
}

export function defaultRouteCommands(record: Pick<SandboxRecord, "endpoints" | "hostEndpoint">): readonly string[] {
  const { ipv4, ipv6 } = gatewaysOf(record);
  return [
    ...(ipv4?.link === undefined ? [] : [`route replace default via ${ipv4.gateway} dev ${ipv4.link.containerName}`]),
    ...(ipv6?.link === undefined ? [] : [`route replace default via ${ipv6.ipv6?.gateway} dev ${ipv6.link.containerName}`]),
  ];
}
