/** Where a node is to listen and to be reached: each an IP address or the name of an interface, the first two with a port or without. */
export interface NodeAddresses {
  readonly listenAddress: string;
  readonly advertiseAddress: string;
  /** Where the other nodes send what goes over overlay networks; empty: where they reach it. */
  readonly dataPathAddress: string;
}
