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

/** @throws OperationError `invalid` in Docker's words when there is more than one to choose from. */
function onlyAddress(): string {
  const candidates = Object.values(networkInterfaces())
    .flat()
    .filter(address => address !== undefined)
    .filter(({ internal, family }) => !internal && family === "IPv4");
  const [first, second] = candidates;
  if (first === undefined)
    throw new OperationError("invalid", "could not find the system's IP address - specify one with --advertise-addr");
  if (second !== undefined) {
    throw new OperationError(
      "invalid",
      `could not choose an IP address to advertise since this system has multiple addresses on different interfaces (${first.address} and ${second.address}) - specify one with --advertise-addr`,
    );
  }
  return first.address;
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
