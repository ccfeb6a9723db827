/** Where what comes to a port of this host is carried to. */
export interface Destination {
  readonly address: string;
  readonly port: number;
}

export interface OpenOrder {
  readonly kind: "open";
  readonly id: number;
  readonly protocol: "tcp" | "udp";
  /** Bound, and with TCP listening. It is the thread's from then on. */
  readonly fd: number;
  readonly destination: Destination;
}

/** To the thread that forwards. */
export type ForwarderOrder = OpenOrder | { readonly kind: "close"; readonly id: number };

/** From it: one answer to each order. */
export interface ForwarderAnswer {
  readonly id: number;
  /** Why it could not be done. */
  readonly failure?: string;
}
