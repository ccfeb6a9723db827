import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { OperationError } from "../../lib/errors.ts";

const DEFAULT_PORT = 2377;

/** Where this manager listens, and where others reach the node. */
export function addressesOf(request: { readonly listenAddress: string; readonly advertiseAddress: string }): {
  readonly listenAddress: string;
  readonly advertiseHost: string;
  readonly advertiseAddress: string;
} {
  const listenAddress = withPort(request.listenAddress === "" ? "0.0.0.0" : request.listenAddress);
  const advertise = request.advertiseAddress === "" ? onlyAddress() : request.advertiseAddress;
  const advertiseHost = hostOf(withPort(advertise));
  const own = interfaceAddress(advertiseHost) ?? advertiseHost;
  if (isIP(own) === 0)
    throw new OperationError(
      "invalid",
      `advertise address must be a non-zero IP address or network interface (with optional port number)`,
    );
  return { listenAddress, advertiseHost: own, advertiseAddress: `${own}:${portOf(listenAddress)}` };
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
  return `${address}:${DEFAULT_PORT}`;
}

export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}

export function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
