import { chmodSync, chownSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { createServer, Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server as TlsServer } from "node:https";
import type { ListenOptions as NetListenOptions, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { Authorizer } from "./authorizer.ts";
import type { Backends } from "./context.ts";
import { Dispatcher, type RequestInFlight } from "./dispatcher.ts";
import { SocketInput } from "./http/socket-input.ts";
import { takeSocket } from "./http/take-socket.ts";
import { acceptWebSocket } from "./http/websocket.ts";
import { upgradeBody } from "./http/upgrade-body.ts";

/** As Go's default: registry credentials travel in headers. */
const HEADER_BYTES_MAX = 1024 * 1024;
/** From a connection's first byte, or its beginning, to the end of a request's head; as Docker's. */
const REQUEST_HEAD_MS = 300_000;
/** A client that was answered as plain HTTP though it had asked for more may stay for so long. */
const LINGER_MS = 120_000;
/** After which a silent peer on another host is asked whether it is still there. */
const TCP_KEEP_ALIVE_MS = 15_000;
/** A client that has closed its half after its request gets the answer. Node's types do not tell of it. */
const ANSWERS_HALF_OPEN = { httpAllowHalfOpen: true };
/** What chown takes for "as it is". */
const KEEP_OWNER = -1;

export type ListenTarget =
  | { readonly kind: "unix"; readonly path: string; readonly mode: number; readonly gid: number }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: TlsOptions }
  /** One that is open already, and stays whoever opened it's. */
  | { readonly kind: "inherited"; readonly fd: number; readonly tls?: TlsOptions };

export interface TlsOptions {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** Given: clients must show a certificate of this authority. */
  readonly clientCaPem?: string;
}

export interface ApiServerOptions {
  readonly backends: Backends;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the product, for the Server header: `0.1.0`. */
  readonly version: string;
  readonly authorizer?: Authorizer;
}

export interface ApiServer {
  /** Serves on one more address. @returns the port that was bound, or 0 on a unix socket. */
  listen(target: ListenTarget): Promise<number>;
  /** Connections that are raw streams now. */
  readonly takenCount: number;
  readonly requestsInFlight: readonly RequestInFlight[];
  /** Ends every request and connection, and takes its sockets from the file system. */
  close(): Promise<void>;
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  return new DockerApiServer(options);
}

class DockerApiServer implements ApiServer {
  readonly #dispatcher: Dispatcher;
  readonly #servers: (Server | TlsServer)[] = [];
  readonly #paths: string[] = [];
  /** Those that have left HTTP, which Node's server no longer knows of. */
  readonly #taken = new Set<Duplex>();

  constructor(options: ApiServerOptions) {
    this.#dispatcher = new Dispatcher(options);
  }

  async listen(target: ListenTarget): Promise<number> {
    const server = this.#createServer(target);
    server.keepAliveTimeout = 0; // As Docker's: closed by us, it could be in the very moment in which its client uses it again.
    server.headersTimeout = REQUEST_HEAD_MS;
    server.requestTimeout = 0; // `docker load` may take as long as it takes.
    Object.assign(server, ANSWERS_HALF_OPEN);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => this.#onRequest(request, response));
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#onUpgrade(request, socket, head));
    this.#servers.push(server);
    if (target.kind === "tcp") return listenOn(server, { host: target.host, port: target.port });
    if (target.kind === "inherited") return listenOn(server, { fd: target.fd });
    await rm(target.path, { force: true });
    const listening = listenOn(server, { path: target.path });
    if (server.listening) {
      this.#paths.push(target.path);
      // In the turn in which it was bound: nobody is answered before the socket is whose it is to be.
      chownSync(target.path, KEEP_OWNER, target.gid);
      chmodSync(target.path, target.mode);
    }
    await listening;
    return 0;
  }

  get requestsInFlight(): readonly RequestInFlight[] {
    return this.#dispatcher.requestsInFlight;
  }

  get takenCount(): number {
    return this.#taken.size;
  }

  async close(): Promise<void> {
    this.#dispatcher.close();
    const closed = this.#servers.map(server => new Promise<void>(resolve => server.close(() => resolve())));
    for (const server of this.#servers) server.closeAllConnections();
    for (const socket of this.#taken) socket.destroy();
    await Promise.all(closed);
    for (const path of this.#paths) await rm(path, { force: true });
  }

  #createServer(target: ListenTarget): Server | TlsServer {
    const limits = { maxHeaderSize: HEADER_BYTES_MAX, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };
    if (target.kind === "unix" || target.tls === undefined) return createServer(limits);
    const { certificatePem, keyPem, clientCaPem } = target.tls;
    const clients = clientCaPem === undefined ? {} : { ca: clientCaPem, requestCert: true, rejectUnauthorized: true };
    const server = createTlsServer({ ...limits, cert: certificatePem, key: keyPem, minVersion: "TLSv1.2", ...clients });
    // As on Node's plain server: a client that has sent all it has to say still reads. Not before: a handshake that is cut off is over.
    server.on("secureConnection", socket => (socket.allowHalfOpen = true));
    return server;
  }

  #onRequest(message: IncomingMessage, response: ServerResponse): void {
    if (!hasKnownCoding(message)) return refuseCoding(response);
    const length = message.headers["content-length"];
    const isChunked = message.headers["transfer-encoding"] !== undefined;
    const body = { length: isChunked ? undefined : Number(length ?? 0), stream: message };
    this.#dispatcher.dispatch({
      message,
      response,
      body,
      isUpgrade: false,
      isRequestsOnly: true,
      take: () => this.#take(response),
    });
  }

  /** Every request with an Upgrade header comes here, also those that are answered as plain HTTP. */
  #onUpgrade(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    if (head.byteLength > 0) socket.unshift(head);
    const input = new SocketInput(socket);
    const response = new ServerResponse(message);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.once("finish", () => {
      // Answered as plain HTTP, and over: what still comes is dropped, and a client that stays is let go in time.
      input.release();
      (socket as Socket).setTimeout(LINGER_MS, () => socket.destroy());
      socket.end();
      socket.resume();
    });
    this.#track(socket);
    if (!hasKnownCoding(message)) return refuseCoding(response);
    const take = () => {
      response.detachSocket(socket as Socket);
      return { socket, input };
    };
    const protocol = (message.headers.upgrade ?? "").toLowerCase();
    const acceptSocket = () => {
      take();
      input.release();
      return acceptWebSocket(message, socket);
    };
    const web = protocol === "websocket" ? { accept: acceptSocket } : {};
    this.#dispatcher.dispatch({
      message,
      response,
      body: upgradeBody(message, input),
      isUpgrade: protocol === "tcp",
      isRequestsOnly: false,
      take,
      ...web,
    });
  }

  #take(response: ServerResponse): { readonly socket: Duplex } {
    const socket = takeSocket(response);
    this.#track(socket);
    return { socket };
  }

  #track(socket: Duplex): void {
    this.#taken.add(socket);
    socket.once("close", () => this.#taken.delete(socket));
  }
}

/** Where a body ends is known of chunks alone: what is after any other could be read as the next request. */
function hasKnownCoding({ headers }: IncomingMessage): boolean {
  const coding = headers["transfer-encoding"];
  return coding === undefined || coding.toLowerCase() === "chunked";
}

/** In the words of Go's server. */
function refuseCoding(response: ServerResponse): void {
  response.writeHead(501, { "Content-Type": "text/plain; charset=utf-8", Connection: "close" });
  response.end("Unsupported transfer encoding");
}

async function listenOn(server: Server | TlsServer, options: NetListenOptions | { readonly fd: number }): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
