import dgram from "node:dgram";
import { isIPv6 } from "node:net";

/** Any: nothing is sent to it. */
const PORT = 9;

/**
 * Nothing is sent.
 * @returns the address that this host would send from to reach `host`, an IP address or the name of one of IPv4; `undefined`: it has
 * no way there, or there is no such host.
 */
export async function addressTowards(host: string): Promise<string | undefined> {
  return await onSocket(host, (socket, done) => {
    socket.on("connect", () => done(socket.address().address));
    socket.connect(PORT, host); // Without a callback: it would be called for a failure too.
  });
}

/** Whether this host has that IP address. */
export async function isOwnAddress(address: string): Promise<boolean> {
  return (await onSocket(address, (socket, done) => socket.bind({ address, port: 0 }, () => done(address)))) !== undefined;
}

/** @returns `undefined` when the kernel refuses. */
async function onSocket(
  address: string,
  use: (socket: dgram.Socket, done: (found: string) => void) => unknown,
): Promise<string | undefined> {
  const socket = dgram.createSocket(isIPv6(address) ? "udp6" : "udp4");
  try {
    return await new Promise((resolve, reject) => {
      socket.on("error", reject);
      use(socket, resolve);
    });
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}
