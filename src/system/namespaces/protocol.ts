/** A namespace to make, pinned at `path`. */
export interface NamespaceOrder {
  readonly id: number;
  readonly path: string;
}

/** Both files become the receiver's. */
export interface MadeNamespace {
  readonly socketFd: number;
  readonly namespaceFd: number;
}

export type NamespaceAnswer = { readonly id: number } & (
  | { readonly made: MadeNamespace }
  | { readonly made?: undefined; readonly failure: string }
);
