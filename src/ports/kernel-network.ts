import type { Duplex } from "node:stream";

/** The kernel's network configuration, as an effect. Paths name pinned network namespaces; `undefined` is the daemon's own. */
export interface KernelNetwork {
  /** Commands in the daemon's own namespace. Lives as long as this object. */
  readonly host: IpBatch;
  /** As `host`, for what waits for the kernel (deletions): nothing quick queues behind it. */
  readonly hostSlow: IpBatch;
  /** Makes a namespace pinned at `path`, without IPv6 but for ::1, and a batch inside it. The namespace outlives the batch. */
  createNamespace(path: string): Promise<IpBatch>;
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
