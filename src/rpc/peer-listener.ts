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
import { limitHandshakes } from "./handshakes.ts";
import { serverOptions } from "./limits.ts";
import { judge, type Peer } from "./peer.ts";
import { mapped } from "./streams.ts";

export const PEER_PORT = 2378;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 1_000;
/** A node that is no manager any more loses its open connections within this time. */
const REVIEW_MS = 5_000;

export interface PeerListenerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly identity: NodeIdentity;
  readonly clusterId: ClusterId;
  readonly logs: TaskLogs;
  /** Its certificate is good, but its holder may have been removed or demoted since: asked again while the connection lasts. */
  readonly admits: (peer: Peer) => boolean;
  readonly log: Log;
  readonly reviewMs?: number;
}

/** What this node answers to others of its swarm: TLS 1.3, only with a certificate of the same cluster. */
export class PeerListener implements AsyncDisposable {
  readonly #options: PeerListenerOptions;
  readonly #tls: TlsServer;
  readonly #server = new Server(serverOptions);
  readonly #members: ConnectionInjector;
  readonly #sockets = new Map<TLSSocket, Peer>();
  readonly #review: NodeJS.Timeout;

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
    limitHandshakes(this.#tls);
    this.#tls.on("secureConnection", socket => this.#accept(socket));
    this.#tls.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#review = setInterval(() => this.#reviewConnections(), options.reviewMs ?? REVIEW_MS);
    this.#review.unref();
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
    const judged = judge(socket, this.#options.clusterId);
    if (judged.kind !== "member" || !this.#options.admits(judged.peer)) {
      this.#options.log.warn({ from: socket.remoteAddress }, "connection refused: no node of this swarm");
      socket.destroy();
      return;
    }
    this.#sockets.set(socket, judged.peer);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#members.injectConnection(socket);
  }

  #reviewConnections(): void {
    for (const [socket, peer] of this.#sockets) if (!this.#options.admits(peer)) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>(resolve => this.#tls.close(() => resolve()));
    clearInterval(this.#review);
    for (const socket of this.#sockets.keys()) socket.destroy();
    this.#server.forceShutdown();
    await closed;
  }
}
