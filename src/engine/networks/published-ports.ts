import { OperationError } from "../../lib/errors.ts";
import type { NetworkState, PortBinding } from "../../model/container.ts";
import { normalizedIp, parseIp } from "../../lib/ip-address.ts";

/** A container port that is to be reached at a port of the host. */
export interface WantedPort {
  readonly protocol: "tcp" | "udp";
  readonly containerPort: number;
  /** "" where the network's default is meant. */
  readonly hostAddress: string;
  /** First and last; `undefined`: any free port. */
  readonly hostPorts: readonly [first: number, last: number] | undefined;
}

export interface PublishedPort {
  readonly protocol: "tcp" | "udp";
  readonly containerPort: number;
  readonly hostAddress: string;
  readonly hostPort: number;
}

export interface PortRequest {
  readonly portBindings: Readonly<Record<string, readonly PortBinding[]>>;
  readonly exposedPorts: readonly string[];
  readonly publishAllPorts: boolean;
}

/**
 * The ports that a container asks to have published, those with a fixed host port first: a free one must not take theirs. As in Docker, a
 * binding is only for what is exposed.
 * @throws OperationError `invalid` in Docker's words for what is no port.
 */
export function wantedPorts({ portBindings, exposedPorts, publishAllPorts }: PortRequest): readonly WantedPort[] {
  const wanted: WantedPort[] = [];
  for (const [key, bindings] of Object.entries(portBindings)) {
    const port = parseContainerPort(key);
    for (const { hostIp, hostPort } of bindings) {
      if (hostIp !== "" && parseIp(hostIp) === undefined) throw new OperationError("invalid", `invalid IP address: ${hostIp}`);
      const hostPorts = parseHostPorts(hostPort);
      if (exposedPorts.includes(key)) wanted.push({ ...port, hostAddress: normalizedIp(hostIp), hostPorts });
    }
  }
  if (publishAllPorts) {
    for (const key of exposedPorts) {
      if ((portBindings[key] ?? []).length === 0) {
        wanted.push({ ...parseContainerPort(key), hostAddress: "", hostPorts: undefined });
      }
    }
  }
  return wanted.toSorted((left, right) => freedomOf(left) - freedomOf(right));
}

/** How a container can be reached from this host's addresses. */
export interface PortReach {
  /** Where ports are published that name no address. */
  readonly defaultAddress: string;
  readonly hasIpv4: boolean;
  readonly hasIpv6: boolean;
  /** What comes over IPv6 is carried to the container, whichever family it has. */
  readonly isForwarded: boolean;
}

/** Where a port is published: every address of both families where none is named, as far as the container can be reached from there. */
export function hostAddressesOf(
  hostAddress: string,
  { defaultAddress, hasIpv4, hasIpv6, isForwarded }: PortReach,
): readonly string[] {
  const unnamed = defaultAddress === "0.0.0.0" ? ["0.0.0.0", "::"] : [defaultAddress];
  const named = hostAddress === "" ? unnamed : [hostAddress];
  return named.filter(address => (address.includes(":") ? hasIpv6 || (isForwarded && hasIpv4) : hasIpv4));
}

/** What inspect shows. Exposed ports that are not published have no binding. */
export function portsState(
  published: readonly PublishedPort[],
  { exposedPorts }: Pick<PortRequest, "exposedPorts">,
): NetworkState["ports"] {
  const ports: Record<string, PortBinding[]> = {};
  for (const key of exposedPorts) ports[key] = [];
  for (const { protocol, containerPort, hostAddress, hostPort } of published) {
    (ports[`${containerPort}/${protocol}`] ??= []).push({ hostIp: hostAddress, hostPort: String(hostPort) });
  }
  return ports;
}

function freedomOf({ hostPorts }: WantedPort): number {
  return hostPorts === undefined ? Infinity : hostPorts[1] - hostPorts[0];
}

function parseContainerPort(key: string): Pick<WantedPort, "protocol" | "containerPort"> {
  const [number = "", protocol = "tcp"] = key.split("/");
  const containerPort = parsePort(number);
  if (containerPort === undefined || containerPort === 0)
    throw new OperationError("invalid", `invalid port specification: "${key}"`);
  if (protocol === "sctp") throw new OperationError("invalid", `cannot publish ${key}: SCTP is not supported`);
  if (protocol !== "tcp" && protocol !== "udp") throw new OperationError("invalid", `invalid proto: ${protocol}`);
  return { protocol, containerPort };
}

function parseHostPorts(text: string): WantedPort["hostPorts"] {
  if (text === "" || text === "0") return undefined;
  const [left = "", right = left] = text.split("-");
  const first = parsePort(left);
  const last = parsePort(right);
  if (first === undefined || last === undefined || last < first) {
    throw new OperationError("invalid", `invalid port specification: "${text}"`);
  }
  return [first, last];
}

function parsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}
