/** How log drivers reach their servers. The real one is in `src/system/log-network.ts`. */
export interface LogNetwork {
  /** @throws OperationError `unavailable` in Go's words (`dial tcp 127.0.0.1:514: connect: connection refused`). */
  connect(target: StreamTarget, options: { readonly signal: AbortSignal }): Promise<StreamConnection>;
  /** @throws as `connect`. */
  openDatagram(target: DatagramTarget): Promise<DatagramConnection>;
}

export type StreamTarget =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "tls"; readonly host: string; readonly port: number; readonly tls: TlsFiles }
  | { readonly kind: "unix"; readonly path: string };

export type DatagramTarget =
  | { readonly kind: "udp"; readonly host: string; readonly port: number }
  | { readonly kind: "unixgram"; readonly path: string };

/** Paths of PEM files; `undefined`: none, and the system's own authorities. */
export interface TlsFiles {
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly skipsVerification: boolean;
}

export interface StreamConnection {
  /** Resolves when the kernel has taken all of it. Rejects when the connection breaks first. */
  write(data: Uint8Array): Promise<void>;
  /** What the server says; what comes before is lost. */
  onData(listener: (data: Buffer) => void): void;
  /** Resolves, with the reason, when the connection is over, whoever ended it. */
  readonly closed: Promise<Error>;
  /** No more is written; resolves when the server has closed too, or after a while. */
  end(): Promise<void>;
  close(): void;
}

export interface DatagramConnection {
  /** Resolves when the kernel has taken it; waits while the receiver is full. */
  send(data: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>;
  close(): void;
}
