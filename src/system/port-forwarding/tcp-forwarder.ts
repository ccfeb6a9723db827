import { once } from "node:events";
import net from "node:net";
import type { Destination, OpenOrder } from "./protocol.ts";

/** Of all ports together: each holds two files of the daemon's process. Beyond it clients are turned away. */
const CONNECTIONS_MAX = 4_096;

let connectionCount = 0;

/** Takes connections from a socket that listens, until it is disposed: then they end too. */
export async function forwardTcp({ fd, destination }: OpenOrder): Promise<AsyncDisposable> {
  const clients = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, client => {
    clients.add(client);
    connectionCount++;
    client.once("close", () => {
      clients.delete(client);
      connectionCount--;
    });
    if (connectionCount > CONNECTIONS_MAX) client.resetAndDestroy();
    else join(client, destination);
  });
  server.listen({ fd });
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => void server.close(() => resolve()));
      for (const client of clients) client.destroy();
      await closed;
    },
  };
}

/** Each side's end of sending reaches the other, and so does an end by force. */
function join(client: net.Socket, { address, port }: Destination): void {
  const server = net.connect({ host: address, port, allowHalfOpen: true });
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.resetAndDestroy());
    from.on("close", () => to.destroy());
  }
}
