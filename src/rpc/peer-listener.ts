import { type ConnectionInjector, Server, ServerCredentials } from "@grpc/grpc-js";
import type { AddressInfo } from "node:net";
import { createServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import { logBatch, taskLogsRequest } from "../codec/peer.ts";
import { NodePeerService } from "../gen/peer.ts";
import { OperationError } from "../lib/errors.ts";
import type { ClusterId } from "../model/ids.ts";
import type { TaskLogs } from "../model/task-logs.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import type { Log } from "../ports/log.ts";
import { contextOptions } from "./channel.ts";
import { answering, managerOnly } from "./handlers.ts";
import { serverOptions } from "./limits.ts";
import { judge } from "./peer.ts";
import { mapped } from "./streams.ts";

export const PEER_PORT = 2378;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 1_000;

export interface PeerListenerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly identity: NodeIdentity;
  readonly clusterId: ClusterId;
  readonly logs: TaskLogs;
  readonly log: Log;
}

/** What this node answers to others of its swarm: TLS 1.3, only with a certificate of the same cluster. */
export class PeerListener implements AsyncDisposable {
  readonly #options: PeerListenerOptions;
  readonly #tls: TlsServer;
  readonly #server = new Server(serverOptions);
  readonly #members: ConnectionInjector;
  readonly #sockets = new Set<TLSSocket>();

  private constructor(options: PeerListenerOptions) {
    this.#options = options;
    this.#server.addService(NodePeerService, {
      taskLogs: answering((message, { peer, signal }) => {
        managerOnly(peer);
        return mapped(options.logs.taskLogs(taskLogsRequest.fromWire(message), { signal }), logBatch.toWire);
      }),
    });
    this.#members = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#tls = createServer({
      ...contextOptions(options.identity),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ["h2"],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      noDelay: true,
    });
    this.#tls.maxConnections = CONNECTIONS_MAX;
    this.#tls.on("secureConnection", socket => this.#accept(socket));
    this.#tls.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  /** @throws OperationError `unavailable` when the address cannot be listened on. */
  static async listen(options: PeerListenerOptions): Promise<PeerListener> {
    const listener = new PeerListener(options);
    await new Promise<void>((resolve, reject) => {
      const onError = (cause: Error) => reject(new OperationError("unavailable", cause.message, { cause }));
      listener.#tls.once("error", onError);
      listener.#tls.listen({ host: options.host, port: options.port }, () => {
        listener.#tls.off("error", onError);
        listener.#tls.on("error", error => options.log.error({ error: error.message }, "the port for other nodes failed"));
        resolve();
      });
    });
    return listener;
  }

  get port(): number {
    return (this.#tls.address() as AddressInfo).port;
  }

  /** From now on connections are made with this certificate. */
  setIdentity(identity: NodeIdentity): void {
    this.#tls.setSecureContext(contextOptions(identity));
  }

  #accept(socket: TLSSocket): void {
    socket.on("error", () => socket.destroy());
    if (judge(socket, this.#options.clusterId).kind !== "member") {
      this.#options.log.warn({ from: socket.remoteAddress }, "connection refused: no node of this swarm");
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#members.injectConnection(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>(resolve => this.#tls.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    this.#server.forceShutdown();
    await closed;
  }
}
