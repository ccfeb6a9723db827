import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { OperationError } from "../lib/errors.ts";
import type { NameServerAddress, NameServerHandler, NameServerSockets } from "../ports/kernel-network.ts";
import { openSocketPair, portOf } from "./network-sockets.ts";

const ADDRESS = "127.0.0.11";
const DNS_PORT = 53;
const CONNECTIONS_MAX = 64;
const IDLE_MS = 10_000;

/** Serves DNS from sockets inside a namespace. Closing it lets the namespace go. */
export async function openNameServer(path: string, answer: NameServerHandler): Promise<NameServerSockets> {
  const { udp, tcp } = openSocketPair(path, ADDRESS);
  const udpPort = portOf(udp);
  const tcpPort = portOf(tcp);
  const socket = dgram.createSocket("udp4");
  socket.on("error", () => undefined); // ICMP errors of clients that left.
  socket.on("message", (query, { address, port }) => {
    void answer(query, { transport: "udp" }).then(
      reply => reply !== undefined && socket.send(reply, port, address, () => undefined),
      () => undefined,
    );
  });
  const connections = new Set<net.Socket>();
  const server = net.createServer(connection => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
    serveConnection(connection, answer);
  });
  server.maxConnections = CONNECTIONS_MAX;
  const listening = Promise.all([once(socket, "listening"), once(server, "listening")]); // The first may be told at once.
  socket.bind({ fd: udp });
  server.listen({ fd: tcp });
  await listening;
  socket.unref();
  server.unref();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    for (const connection of connections) connection.destroy();
    await Promise.all([
      new Promise<void>(resolve => void socket.close(() => resolve())),
      new Promise<void>(resolve => void server.close(() => resolve())),
    ]);
  };
  return { udpPort, tcpPort, [Symbol.asyncDispose]: () => (closing ??= close()) };
}

/** Messages with a length in front; glibc sends several on one connection, and their answers may come in any order. */
function serveConnection(connection: net.Socket, answer: NameServerHandler): void {
  connection.on("error", () => undefined);
  connection.setTimeout(IDLE_MS, () => connection.destroy());
  let received = Buffer.alloc(0);
  connection.on("data", chunk => {
    received = Buffer.concat([received, chunk]);
    for (let query = firstMessage(received); query !== undefined; query = firstMessage(received)) {
      received = received.subarray(query.length + 2);
      void answer(query, { transport: "tcp" }).then(
        reply => reply !== undefined && !connection.destroyed && connection.write(framed(reply)),
        () => undefined,
      );
    }
  });
}

function firstMessage(received: Buffer): Buffer | undefined {
  if (received.length < 2) return undefined;
  const length = received.readUInt16BE(0);
  return received.length < length + 2 ? undefined : received.subarray(2, length + 2);
}

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** One question to another name server. */
export async function queryNameServer(
  { address, transport }: NameServerAddress,
  query: Uint8Array,
  { signal }: { readonly signal: AbortSignal },
): Promise<Uint8Array> {
  signal.throwIfAborted();
  return transport === "udp" ? queryUdp(address, query, signal) : queryTcp(address, query, signal);
}

async function queryUdp(address: string, query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const socket = dgram.createSocket(net.isIPv6(address) ? "udp6" : "udp4");
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      socket.on("error", reject);
      // Connected: only that server's answers arrive, and a closed port is told at once.
      socket.connect(DNS_PORT, address, ((error?: Error) => (error ? reject(error) : socket.send(query))) as () => void);
      socket.on("message", reply => {
        if (reply.length > 2 && reply[0] === query[0] && reply[1] === query[1]) resolve(reply);
      });
    });
  } finally {
    socket.close();
  }
}

async function queryTcp(address: string, query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const connection = net.connect({ port: DNS_PORT, host: address });
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      connection.on("error", reject);
      connection.on("close", () => reject(new OperationError("unavailable", `${address} closed the connection`)));
      connection.write(framed(query));
      let received = Buffer.alloc(0);
      connection.on("data", chunk => {
        received = Buffer.concat([received, chunk]);
        const reply = firstMessage(received);
        if (reply !== undefined) resolve(reply);
      });
    });
  } finally {
    connection.destroy();
  }
}
