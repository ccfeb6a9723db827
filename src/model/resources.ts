/**
 * Something that nodes have and tasks need, of a kind that the cluster only counts: so many of it, or one by its name.
 * A number is how many; a text is a name.
 */
export interface GenericResource {
  readonly kind: string;
  readonly value: number | string;
}

/** What a node has. */
export interface NodeResources {
  readonly nanoCpus: number;
  readonly memoryBytes: number;
  readonly generic?: readonly GenericResource[];
}

/** What a service's tasks may use, and what is kept for them. */
export interface ResourceRequirements {
  readonly limits?: { readonly nanoCpus?: number; readonly memoryBytes?: number; readonly pids?: number };
  readonly reservations?: {
    readonly nanoCpus?: number;
    readonly memoryBytes?: number;
    readonly generic?: readonly GenericResource[];
  };
  readonly swapBytes?: number;
  readonly memorySwappiness?: number;
}
