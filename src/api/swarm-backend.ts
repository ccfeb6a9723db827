import type { NodeAddresses } from "../model/node-addresses.ts";
import type { UnlockKey } from "../model/unlock-key.ts";

/** What REST needs to make, join and leave a swarm; everything else of a swarm goes through ControlCaller. */
export interface SwarmMembershipBackend {
  /** This node's own view, without asking a manager. */
  local(): LocalSwarmState;
  init(
    request: NodeAddresses & {
      readonly forceNewCluster: boolean;
      /** 0: the one that everybody takes for granted. */
      readonly dataPathPort: number;
      readonly defaultAddressPool: readonly string[];
      readonly subnetSize: number;
      readonly autoLockManagers: boolean;
      readonly availability: "active" | "pause" | "drain";
    },
  ): Promise<{ readonly nodeId: string }>;
  join(
    request: NodeAddresses & {
      readonly remoteAddresses: readonly string[];
      readonly joinToken: string;
      readonly availability: "active" | "pause" | "drain";
    },
  ): Promise<void>;
  leave(options: { readonly force: boolean }): Promise<void>;
  /** Beyond Docker: the state of the cluster as it is now, as a file. @throws OperationError `unavailable` where no manager of the cluster's majority runs. */
  backup(options: { readonly signal: AbortSignal }): AsyncIterable<Uint8Array>;
  /**
   * Beyond Docker: this node becomes the only manager of the cluster that a backup is of.
   * @throws OperationError `invalid` for what is no whole backup, `unauthorized` when it is locked and the key is not its own: nothing has changed then.
   */
  restore(
    request: NodeAddresses & {
      readonly bytes: AsyncIterable<Uint8Array>;
      /** Empty: none. */
      readonly unlockKey: string;
    },
  ): Promise<{ readonly nodeId: string }>;
  /** @throws OperationError `conflict` when nothing is locked, `invalid` for what is no key, `unauthorized` for the wrong one. */
  unlock(key: string): Promise<void>;
  /** The cluster has this unlock key now. Resolves when what this node keeps opens with it, and with no other. */
  adoptUnlockKey(unlock: UnlockKey): Promise<void>;
}

export interface LocalSwarmState {
  readonly state: "inactive" | "pending" | "active" | "error" | "locked";
  readonly nodeId: string;
  readonly nodeAddress: string;
  readonly isManager: boolean;
  readonly error: string;
  readonly remoteManagers: readonly { readonly nodeId: string; readonly address: string }[];
}
