import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { isIPv6, type Socket, connect as connectTcp } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { errnoCode, errorMessage, OperationError } from "../lib/errors.ts";
import { connectUnixDatagram } from "./unix-datagram.ts";

type StreamTarget =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "tls"; readonly host: string; readonly port: number; readonly tls: TlsFiles }
  | { readonly kind: "unix"; readonly path: string };
type DatagramTarget =
  | { readonly kind: "udp"; readonly host: string; readonly port: number }
  | { readonly kind: "unixgram"; readonly path: string };

interface TlsFiles {
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly skipsVerification: boolean;
}

interface StreamConnection {
  write(data: Uint8Array): Promise<void>;
  onData(listener: (data: Buffer) => void): void;
  readonly closed: Promise<Error>;
  end(): Promise<void>;
  close(): void;
}

interface DatagramConnection {
  send(data: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>;
  close(): void;
}

const CONNECT_MS_MAX = 10_000;
const KEEPALIVE_MS = 15_000;
/** How long a server may take to close after we have. */
const END_MS_MAX = 2000;

/** The connections of log drivers. */
export const systemLogNetwork = { connect, openDatagram };

async function connect(target: StreamTarget, { signal }: { readonly signal: AbortSignal }): Promise<StreamConnection> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS_MAX)]);
  const socket = await openSocket(target);
  try {
    await once(socket, target.kind === "tls" ? "secureConnect" : "connect", { signal: deadline });
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    throw dialError(target, error);
  }
  if (target.kind !== "unix") socket.setKeepAlive(true, KEEPALIVE_MS).setNoDelay(true);
  return streamConnection(socket);
}

async function openSocket(target: StreamTarget): Promise<Socket> {
  if (target.kind === "unix") return connectTcp({ path: target.path });
  if (target.kind === "tcp") return connectTcp({ host: target.host, port: target.port });
  const { host, port, tls } = target;
  const options: ConnectionOptions = { host, port, rejectUnauthorized: !tls.skipsVerification };
  if (!/^[\d.]+$|:/.test(host)) options.servername = host;
  if (tls.ca !== undefined) options.ca = await readPem(tls.ca, "could not read CA certificate");
  if (tls.certificate !== undefined && tls.key !== undefined) {
    options.cert = await readPem(tls.certificate, "could not load X509 key pair");
    options.key = await readPem(tls.key, "could not load X509 key pair");
  }
  return connectTls(options);
}

async function readPem(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const reason = GO_WORDS[errnoCode(error) ?? ""] ?? errorMessage(error);
    throw new OperationError("invalid", `${what} ${JSON.stringify(path)}: open ${path}: ${reason}`, { cause: error });
  }
}

function streamConnection(socket: Socket): StreamConnection {
  let failure = new Error("the server closed the connection");
  socket.on("error", error => (failure = error));
  const closed = new Promise<Error>(resolve => socket.once("close", () => resolve(failure)));
  socket.once("end", () => socket.destroy());
  socket.resume(); // Also where nobody listens: otherwise its end would not be seen.
  return {
    onData: listener => void socket.on("data", listener),
    closed,
    write: data =>
      new Promise((resolve, reject) => {
        socket.write(data, error => (error ? reject(error) : resolve()));
      }),
    async end() {
      if (socket.destroyed) throw failure;
      const timer = setTimeout(() => socket.destroy(), END_MS_MAX);
      socket.end();
      await closed;
      clearTimeout(timer);
    },
    close: () => void socket.destroy(),
  };
}

async function openDatagram(target: DatagramTarget): Promise<DatagramConnection> {
  if (target.kind === "unixgram") {
    try {
      const socket = connectUnixDatagram(target.path);
      return { send: (data, options) => socket.send(data, options), close: () => socket[Symbol.dispose]() };
    } catch (error) {
      throw dialError(target, error);
    }
  }
  const socket = createSocket(isIPv6(target.host) ? "udp6" : "udp4");
  try {
    socket.connect(target.port, target.host);
    await once(socket, "connect");
  } catch (error) {
    socket.on("error", () => {});
    socket.close();
    throw dialError(target, error);
  }
  return datagramConnection(socket);
}

/** What the network says of an earlier datagram (nobody listens there) is told to the next one. */
function datagramConnection(socket: DatagramSocket): DatagramConnection {
  let failure: Error | undefined;
  let isOpen = true;
  socket.on("error", error => (failure = error));
  return {
    async send(data, { signal }) {
      signal.throwIfAborted();
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve, reject) => socket.send(data, error => (error ? reject(error) : resolve())));
    },
    close() {
      if (isOpen) socket.close();
      isOpen = false;
    },
  };
}

const GO_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "connection timed out",
  ECONNRESET: "connection reset by peer",
  EPROTOTYPE: "protocol wrong type for socket",
  EINVAL: "invalid argument",
};

/** As Go says that a connection cannot be had. */
function dialError(target: StreamTarget | DatagramTarget, cause: unknown): OperationError {
  if (cause instanceof OperationError) return cause;
  const network = target.kind === "tls" ? "tcp" : target.kind;
  const code = errnoCode(cause) ?? "";
  const address =
    "path" in target ? target.path : `${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`;
  const isTimeout = cause instanceof Error && (cause.name === "AbortError" || cause.name === "TimeoutError");
  const words =
    "host" in target && (code === "ENOTFOUND" || code === "EAI_AGAIN")
      ? `dial ${network}: lookup ${target.host}: no such host`
      : isTimeout
        ? `dial ${network} ${address}: i/o timeout`
        : GO_WORDS[code] !== undefined
          ? `dial ${network} ${address}: connect: ${GO_WORDS[code]}`
          : errorMessage(cause);
  return new OperationError("unavailable", words, { cause });
}
