import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { OperationError } from "../../lib/errors.ts";
import type { NodeAddresses } from "../../model/node-addresses.ts";
import { addressTowards } from "../../system/own-address.ts";
import { hostAndPort, hostOf, isUnspecified, portOf, withPort } from "./host-and-port.ts";
import type { NodeRecord } from "./node-files.ts";

const EVERYWHERE = "0.0.0.0";
/** Of every node, for its peers. */
const PEERS_PORT = "2378";

/** Nobody's (RFC 5737, RFC 3849), to ask the kernel for the way to everywhere. */
const ELSEWHERE = ["192.0.2.1", "2001:db8::1"];

/**
 * Where this manager listens, and where others reach the node.
 * @param host - `devices`: the engine's own, see `EngineNetworks`. `found`: where it is when nothing is said; missing: at the one
 * address it has besides them.
 * @throws OperationError `invalid` in Docker's words.
 */
export function addressesOf(
  asked: NodeAddresses,
  host: { readonly devices: ReadonlySet<string>; readonly found?: string | undefined },
): {
  readonly listenAddress: string;
  readonly advertiseHost: string;
  /** Where the host's address was found, as it was not said: on this interface, or on any; see `NodeRecord`. */
  readonly addressFrom?: string;
  /** Where others reach the manager by another port than it listens on. */
  readonly advertisePort?: string;
  readonly advertiseAddress: string;
  /** Where the other nodes send what goes over overlay networks; missing: to `advertiseHost`. */
  readonly dataPathHost?: string;
} {
  const listen = withPort(asked.listenAddress === "" ? EVERYWHERE : asked.listenAddress);
  const port = portOf(listen);
  refuseIf(port === PEERS_PORT, `port ${PEERS_PORT} is where nodes serve each other: managers cannot listen there`);
  const listenHost = ipOf(hostOf(listen));
  refuseIf(listenHost === undefined, "listen address must be an IP address or network interface (with optional port number)");
  const said = asked.advertiseAddress === "" ? "" : hostOf(withPort(asked.advertiseAddress));
  const advertisePort = withPort(asked.advertiseAddress) === asked.advertiseAddress ? portOf(asked.advertiseAddress) : port;
  const own = ipOf(said === "" ? (host.found ?? onlyAddress(host.devices)) : said);
  refuseIf(
    own === undefined || isUnspecified(own),
    "advertise address must be a non-zero IP address or network interface (with optional port number)",
  );
  const dataPath = dataPathHostOf(asked.dataPathAddress);
  refuseIf(
    isIP(dataPath ?? own ?? "") !== 4,
    `overlay networks need an IPv4 address of this node: ${dataPath ?? own} is none (specify one with --data-path-addr)`,
  );
  return {
    // Docker's client asks for it where nothing is said, and in Docker it stands for both families.
    listenAddress: hostAndPort(listenHost === EVERYWHERE && isIP(own ?? "") === 6 ? "::" : (listenHost ?? ""), port),
    advertiseHost: own ?? "",
    ...(isIP(said) === 0 && { addressFrom: said }),
    ...(advertisePort !== port && { advertisePort }),
    advertiseAddress: hostAndPort(own ?? "", advertisePort),
    ...(dataPath !== undefined && dataPath !== own && { dataPathHost: dataPath }),
  };
}

/** What the user asked for when the node joined, as far as the record tells, to ask for it again. */
export function askedBefore({
  advertiseHost,
  advertisePort,
  addressFrom,
  dataPathHost = "",
}: NodeRecord): Pick<NodeAddresses, "advertiseAddress" | "dataPathAddress"> {
  const place = addressFrom ?? advertiseHost;
  return {
    advertiseAddress: advertisePort === undefined ? place : hostAndPort(place, advertisePort),
    dataPathAddress: dataPathHost,
  };
}

function dataPathHostOf(asked: string): string | undefined {
  if (asked === "") return undefined;
  const address = ipOf(asked);
  refuseIf(
    address === undefined || isUnspecified(address),
    "data path address must be a non-zero IP address or network interface (without a port number)",
  );
  return address;
}

function refuseIf(isRefused: boolean, message: string): void {
  if (isRefused) throw new OperationError("invalid", message);
}

/** Of an address or of an interface that this host has. */
function ipOf(text: string): string | undefined {
  return isIP(text) === 0 ? interfaceAddress(text) : text;
}

/** @throws OperationError `invalid` in Docker's words (its CLI adds what to do) when there is more than one to choose from. */
function onlyAddress(devices: ReadonlySet<string>): string {
  const [first, second] = Object.entries(networkInterfaces())
    .filter(([name]) => !devices.has(name))
    .flatMap(([name, addresses = []]) => addresses.map(address => ({ name, ...address })))
    .filter(({ internal, family }) => !internal && family === "IPv4");
  if (first === undefined) throw new OperationError("invalid", "could not find the system's IP address");
  if (second !== undefined) {
    const where =
      first.name === second.name
        ? `interface ${first.name} (${first.address} and ${second.address})`
        : `different interfaces (${first.address} on ${first.name} and ${second.address} on ${second.name})`;
    throw new OperationError(
      "invalid",
      `could not choose an IP address to advertise since this system has multiple addresses on ${where}`,
    );
  }
  return first.address;
}

/** The address of this host on its way to the first of these that it has a way to. */
export async function addressTowardsAny(hosts: readonly string[]): Promise<string | undefined> {
  for (const host of hosts) {
    const address = await addressTowards(host);
    if (address !== undefined) return address;
  }
  return undefined;
}

/**
 * Where a node is whose address was found and is gone: looked for where it was found, see `NodeRecord`.
 * @param host - `managers`: host:port of the others. `devices`: as for `addressesOf`.
 * @returns `undefined` when nothing tells, as without a network.
 */
export async function addressInstead(
  { advertiseHost, addressFrom }: { readonly advertiseHost: string; readonly addressFrom: string },
  { managers, devices }: { readonly managers: readonly string[]; readonly devices: ReadonlySet<string> },
): Promise<string | undefined> {
  if (addressFrom !== "") return interfaceAddress(addressFrom);
  // Of the same family: what is IPv4 alone would not find the way.
  const hosts = [...managers.map(hostOf), ...ELSEWHERE].filter(host => isIP(host) === isIP(advertiseHost));
  return (await addressTowardsAny(hosts)) ?? (isIP(advertiseHost) === 4 ? onlyAddressIfAny(devices) : undefined);
}

function onlyAddressIfAny(devices: ReadonlySet<string>): string | undefined {
  try {
    return onlyAddress(devices);
  } catch {
    return undefined;
  }
}

function interfaceAddress(name: string): string | undefined {
  return networkInterfaces()[name]?.find(({ family }) => family === "IPv4")?.address;
}
