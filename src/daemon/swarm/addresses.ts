import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { OperationError } from "../../lib/errors.ts";
import type { NodeAddresses } from "../../model/node-addresses.ts";

const DEFAULT_PORT = 2377;
const EVERYWHERE = "0.0.0.0";
/** Of every node, for its peers. */
const PEERS_PORT = "2378";

/** Where this manager listens, and where others reach the node. @throws OperationError `invalid` in Docker's words. */
export function addressesOf(asked: NodeAddresses): {
  readonly listenAddress: string;
  readonly advertiseHost: string;
  readonly advertiseAddress: string;
  /** Where the other nodes send what goes over overlay networks; missing: to `advertiseHost`. */
  readonly dataPathHost?: string;
} {
  const listen = withPort(asked.listenAddress === "" ? EVERYWHERE : asked.listenAddress);
  const port = portOf(listen);
  refuseIf(port === PEERS_PORT, `port ${PEERS_PORT} is where nodes serve each other: managers cannot listen there`);
  const listenHost = ipOf(hostOf(listen));
  refuseIf(listenHost === undefined, "listen address must be an IP address or network interface (with optional port number)");
  const own = ipOf(asked.advertiseAddress === "" ? onlyAddress() : hostOf(withPort(asked.advertiseAddress)));
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
    advertiseAddress: hostAndPort(own ?? "", port),
    ...(dataPath !== undefined && dataPath !== own && { dataPathHost: dataPath }),
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

function isUnspecified(ip: string): boolean {
  return /^[0:.]+$/.test(ip);
}

/** As a URL has them: an IPv6 address in brackets. */
export function hostAndPort(ip: string, port: string | number): string {
  return isIP(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** @throws OperationError `invalid` in Docker's words (its CLI adds what to do) when there is more than one to choose from. */
function onlyAddress(): string {
  const [first, second] = Object.entries(networkInterfaces())
    .filter(([name]) => !isBridge(name)) // What containers are on is not where other nodes are.
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

function isBridge(name: string): boolean {
  return existsSync(`/sys/class/net/${name}/bridge`);
}

function interfaceAddress(name: string): string | undefined {
  return networkInterfaces()[name]?.find(({ family }) => family === "IPv4")?.address;
}

export function withPort(address: string): string {
  if (/^\[.*\]:\d+$|^[^:]*:\d+$/.test(address)) return address;
  return hostAndPort(address, DEFAULT_PORT);
}

export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

export function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
