import type { Duplex } from "node:stream";
import type { IdMap } from "../model/id-map.ts";

/** The kernel's network configuration, as an effect. Paths name pinned network namespaces; `undefined` is the daemon's own. */
export interface KernelNetwork {
  /** Commands in the daemon's own namespace. Lives as long as this object. */
  readonly host: IpBatch;
  /** Interfaces of the daemon's own namespace. Lives as long as this object. */
  readonly links: Links;
  /** As `links`, for what waits for the kernel (deletions): nothing quick queues behind it. */
  readonly linksSlow: Links;
  /** Makes a namespace pinned at `path`, without IPv6 but for ::1. It outlives what is returned. */
  createNamespace(path: string, owner?: NamespaceOwner): Promise<Links>;
  /** The interfaces of a namespace that exists. @throws what the kernel says when there is none. */
  linksIn(path: string): Links;
  /** A batch inside a namespace that exists. */
  enterNamespace(path: string): Promise<IpBatch>;
  /** Takes the pin away; the kernel frees the namespace when nothing is in it. No error when it is gone. */
  deleteNamespace(path: string): Promise<void>;
  /** A context in which nftables rules of that namespace are changed. It keeps the namespace alive. */
  openNftables(path: string | undefined): Nftables;
  /** Holds a port of this host so that no other program takes it. @throws OperationError `conflict` when it is in use. */
  reservePort(port: HostPort, options?: { readonly isForwarded: boolean }): PortReservation;
  /** Whether this host has IPv6 to offer a port on. */
  hasIpv6(): boolean;
  /** Listens on a free port of 127.0.0.11 inside a namespace, UDP and TCP alike. */
  openNameServer(path: string, answer: NameServerHandler): Promise<NameServerSockets>;
  /** Sends one query from the daemon's own namespace. Rejects when no answer came in time. */
  queryNameServer(server: NameServerAddress, query: Uint8Array, options: { readonly signal: AbortSignal }): Promise<Uint8Array>;
  /** Connects from inside a namespace. @throws what the kernel says, or the signal's reason. */
  connectTcp(target: TcpTarget, options: { readonly signal: AbortSignal }): Promise<Duplex>;
  /** @param name - With slashes: `net/ipv4/ip_forward`. */
  readSysctl(name: string): Promise<string>;
  /** No error when the kernel does not have it and `isOptional`. */
  writeSysctl(
    name: string,
    value: string,
    options?: { readonly namespacePath?: string; readonly isOptional?: boolean },
  ): Promise<void>;
}

/** The interfaces of one namespace, which it keeps alive until it is disposed of. Twice is safe. */
export interface Links extends Disposable {
  readonly namespaceFd: number;
  /**
   * Done in order; all are tried. Calls queue.
   * @throws OperationError `internal` with what the kernel says when any fails, unless `allowFailure`.
   */
  change(changes: readonly LinkChange[], options?: { readonly allowFailure?: boolean }): Promise<void>;
}

export type LinkChange =
  | LinkPair
  | { readonly kind: "raise"; readonly device: string }
  | { readonly kind: "add-address"; readonly device: string; readonly address: string; readonly prefixLength: number }
  /** In place of one that is there. Of the gateway's family. */
  | { readonly kind: "default-route"; readonly device: string; readonly gateway: string }
  /** Who has an address behind the device, in place of what was known or is being found out. */
  | { readonly kind: "neighbour"; readonly device: string; readonly address: string; readonly macAddress: string }
  | { readonly kind: "delete"; readonly device: string };

/** Two ends of a line: one up on a bridge of this namespace, the other in another namespace. */
export interface LinkPair {
  readonly kind: "add-pair";
  readonly name: string;
  readonly bridge: string;
  readonly mtuBytes: number;
  /** Packets that come from a port may go back into it: a container that calls its own published port. */
  readonly isHairpin: boolean;
  readonly peer: { readonly name: string; readonly macAddress: string; readonly namespaceFd: number };
}

/** The user namespace to which a network namespace belongs: by default the host's. */
export type NamespaceOwner =
  /** One that is made for it, pinned at `path` too. */
  | { readonly kind: "new"; readonly path: string; readonly idMap: IdMap }
  /** One that is there: a file to `setns` to. */
  | { readonly kind: "joined"; readonly path: string };

/** A long-lived `ip -batch`: 15 us a line instead of 1.4 ms a program start. */
export interface IpBatch extends AsyncDisposable {
  /** Of the process, which is inside the namespace: `ip link … netns PID` moves a device there. */
  readonly pid: number;
  /**
   * Runs the lines in order; all are tried. Calls queue.
   * @throws OperationError `internal` with the kernel's words when any line fails, unless `allowFailure`.
   */
  run(lines: readonly string[], options?: { readonly allowFailure?: boolean }): Promise<void>;
}

export interface Nftables extends Disposable {
  /** One transaction, all or nothing. Runs off the main thread; calls queue. @throws OperationError `internal` with nft's words. */
  run(commands: string): Promise<void>;
}

export interface HostPort {
  readonly protocol: "tcp" | "udp";
  /** 0.0.0.0 and ::: every address of the family. */
  readonly address: string;
  readonly port: number;
}

export interface TcpTarget {
  readonly namespacePath: string;
  /** IPv4 */
  readonly address: string;
  readonly port: number;
}

export interface PortReservation extends Disposable {
  readonly port: number;
  /**
   * Of one that was reserved as forwarded: carries what comes to it to a container, from a thread of its own.
   * @returns what ends it, and all connections with it.
   */
  forward(destination: { readonly address: string; readonly port: number }): Promise<AsyncDisposable>;
}

/** `undefined`: send nothing. */
export type NameServerHandler = (
  query: Uint8Array,
  options: { readonly transport: "udp" | "tcp" },
) => Promise<Uint8Array | undefined>;

export interface NameServerSockets extends AsyncDisposable {
  readonly udpPort: number;
  readonly tcpPort: number;
}

export interface NameServerAddress {
  readonly address: string;
  readonly transport: "udp" | "tcp";
}
