/** What a container made by hand is, and wants, on a network of the cluster. */
export interface TaskAttachment {
  readonly containerId: string;
  readonly containerName: string;
  /** The addresses that it wants; none: any. */
  readonly wantedAddresses: readonly string[];
}
