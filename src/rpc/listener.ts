import { type ConnectionInjector, Server, ServerCredentials } from "@grpc/grpc-js";
import type { AddressInfo } from "node:net";
import { createServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import { OperationError } from "../lib/errors.ts";
import type { Admission } from "../model/admission.ts";
import type { ClusterId } from "../model/ids.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import type { Log } from "../ports/log.ts";
import type { ManagerBackends } from "./backends.ts";
import { contextOptions } from "./channel.ts";
import { limitHandshakes } from "./handshakes.ts";
import { laggingBackends } from "./lagging.ts";
import { serverOptions, strangerOptions } from "./limits.ts";
import { type PacedServer, pacedServer } from "./paced-server.ts";
import { judge, type Peer } from "./peer.ts";
import { addCa, addControl, addDispatcher, addJoin, addLeader, addRaft } from "./services.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 10_000;
/**
 * Connections that the kernel makes ahead, as far as `net.core.somaxconn` lets it. The workers of a manager that is gone come in one moment:
 * those for whom there is no room try again after a second, and some after several.
 */
const BACKLOG = 4_096;
/** Connections without a certificate, which anybody can open, or with one that counts no more. Past it the oldest is cut. */
const STRANGERS_MAX = 256;
/** A stranger gets its certificate in one go or is cut. */
const STRANGER_LIFETIME_MS = 60_000;
/** A node that was removed, or whose certificate is superseded, loses its open connections within this time. */
const REVIEW_MS = 5_000;
/** One that this manager could not judge gets another connection this soon after it can: its node is waiting. */
const REVIEW_AHEAD_MS = 100;

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly identity: NodeIdentity;
  readonly clusterId: ClusterId;
  readonly backends: ManagerBackends;
  readonly log: Log;
  readonly reviewMs?: number;
}

interface Caller {
  readonly peer: Peer;
  readonly admission: Admission;
}

/**
 * The manager port: TLS 1.3 only. A node with this cluster's certificate reaches all services, a stranger only the one
 * that gives certificates: the same goes for a node that was removed or whose certificate is superseded, which learns so by
 * asking for a new one. One whose certificate is newer than what this manager knows reaches Raft, and is sent to other managers with
 * all else. A connection with a foreign or expired certificate is cut.
 */
export class ManagerListener implements AsyncDisposable {
  readonly #options: ListenerOptions;
  readonly #tls: TlsServer;
  readonly #port: PacedServer;
  readonly #servers: readonly Server[];
  readonly #members: ConnectionInjector;
  readonly #ahead: ConnectionInjector;
  readonly #strangers: ConnectionInjector;
  /** Each connection with who is at the other end; nobody known for strangers. */
  readonly #sockets = new Map<TLSSocket, Caller | undefined>();
  /** Those that could not be judged, which are few and not for long. */
  readonly #unjudged = new Set<TLSSocket>();
  /** In the order they came. */
  readonly #unknown = new Set<TLSSocket>();
  readonly #reviews: readonly NodeJS.Timeout[];

  private constructor(options: ListenerOptions) {
    this.#options = options;
    const { backends, identity } = options;
    const members = serverOf(backends, { mayActForOthers: true });
    // These are cut here, as soon as they can be judged: that says nothing of who is at the other end.
    const raft = { ...backends.raft, disconnected: () => {} };
    const ahead = serverOf({ ...backends, ...laggingBackends, raft }, { mayActForOthers: false });
    const strangers = new Server(strangerOptions);
    addCa(strangers, { backend: backends.ca, mayActForOthers: false });
    this.#servers = [members, ahead, strangers];
    this.#members = members.createConnectionInjector(ServerCredentials.createInsecure());
    this.#ahead = ahead.createConnectionInjector(ServerCredentials.createInsecure());
    this.#strangers = strangers.createConnectionInjector(ServerCredentials.createInsecure());
    this.#tls = createServer({
      ...contextOptions(identity),
      requestCert: true,
      rejectUnauthorized: false, // Judged below: a stranger may ask for a certificate.
      ALPNProtocols: ["h2"],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    limitHandshakes(this.#tls);
    this.#port = pacedServer(this.#tls);
    this.#port.server.maxConnections = CONNECTIONS_MAX;
    this.#tls.on("secureConnection", socket => this.#accept(socket));
    this.#tls.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#reviews = [
      setInterval(() => this.#review(this.#sockets.keys()), options.reviewMs ?? REVIEW_MS).unref(),
      setInterval(() => this.#review(this.#unjudged), REVIEW_AHEAD_MS).unref(),
    ];
  }

  /** @throws OperationError `unavailable` when the address cannot be listened on. */
  static async listen(options: ListenerOptions): Promise<ManagerListener> {
    const listener = new ManagerListener(options);
    await new Promise<void>((resolve, reject) => {
      const onError = (cause: Error) => reject(new OperationError("unavailable", cause.message, { cause }));
      listener.#port.server.once("error", onError);
      listener.#port.server.listen({ host: options.host, port: options.port, backlog: BACKLOG }, () => {
        listener.#port.server.off("error", onError);
        listener.#port.server.on("error", error => options.log.error({ error: error.message }, "manager port failed"));
        resolve();
      });
    });
    return listener;
  }

  get port(): number {
    return (this.#port.server.address() as AddressInfo).port;
  }

  /** From now on connections are made with this certificate; those that are open stay. */
  setIdentity(identity: NodeIdentity): void {
    this.#tls.setSecureContext(contextOptions(identity));
  }

  #accept(socket: TLSSocket): void {
    socket.on("error", () => socket.destroy());
    const judged = judge(socket, this.#options.clusterId);
    const admission = judged.kind === "member" ? this.#options.backends.admission(judged.peer) : "superseded";
    const isAdmitted = judged.kind === "member" && admission !== "superseded";
    this.#sockets.set(socket, isAdmitted ? { peer: judged.peer, admission } : undefined);
    if (admission === "ahead") this.#unjudged.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#unjudged.delete(socket);
    });
    if (isAdmitted) {
      (admission === "ahead" ? this.#ahead : this.#members).injectConnection(socket);
    } else if (judged.kind !== "refused") {
      this.#acceptStranger(socket);
    } else {
      this.#options.log.warn({ from: socket.remoteAddress, why: socket.authorizationError?.message }, "connection refused");
      socket.destroy();
    }
  }

  #acceptStranger(socket: TLSSocket): void {
    const timer = setTimeout(() => socket.destroy(), STRANGER_LIFETIME_MS);
    socket.once("close", () => {
      clearTimeout(timer);
      this.#unknown.delete(socket);
    });
    this.#unknown.add(socket);
    const [oldest] = this.#unknown;
    if (this.#unknown.size > STRANGERS_MAX) oldest?.destroy();
    this.#strangers.injectConnection(socket);
  }

  #review(sockets: Iterable<TLSSocket>): void {
    for (const socket of sockets) {
      const caller = this.#sockets.get(socket);
      if (caller !== undefined && this.#options.backends.admission(caller.peer) !== caller.admission) socket.destroy();
    }
  }

  /** Cuts every connection: whoever is at the other end goes to another manager. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#reviews.forEach(clearInterval);
    const closed = this.#port.close();
    for (const server of this.#servers) server.forceShutdown();
    await closed;
  }
}

function serverOf(backends: ManagerBackends, { mayActForOthers }: { readonly mayActForOthers: boolean }): Server {
  const server = new Server(serverOptions);
  addControl(server, { backend: backends.control });
  addDispatcher(server, backends.dispatcher);
  addRaft(server, backends.raft);
  addCa(server, { backend: backends.ca, mayActForOthers });
  addJoin(server, backends.join);
  addLeader(server, backends.leader);
  return server;
}
