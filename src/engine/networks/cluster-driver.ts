import type { ContainerId, EngineNetworkId } from "../../model/ids.ts";
import type { Links, Nftables } from "../../ports/kernel-network.ts";

/** Networks that cross hosts, as the engine sees them. Implemented by `network/`; an engine without a swarm has none. */
export interface ClusterDriver {
  /** Where the outer ends of endpoints' devices go. Resolves once the network is up on this host. `undefined`: no device (ingress). */
  port(networkId: EngineNetworkId): Promise<DevicePort | undefined>;
  /** A container's namespace is complete, or was taken up again, or its endpoints changed. Resolves when names and services work in it. */
  join(sandbox: ClusterSandbox): Promise<void>;
  /** No error when it never joined. */
  leave(containerId: ContainerId): Promise<void>;
  /**
   * A place on a network for a container that is no task. Resolves once this host knows the network.
   * @throws OperationError in Docker's words for a network that is not there, or does not allow it.
   */
  attach(wanted: WantedPlace): Promise<{ readonly networkId: string; readonly address: string }>;
  /** Places that were given to the container, and on which it is not, go back. Resolves when the managers know, or soon after. */
  letGo(containerId: ContainerId): Promise<void>;
  /** The container is called so from now on. */
  rename(place: WantedPlace): Promise<void>;
  /** The set of this host's bridge networks has changed. */
  bridgesChanged(): void;
  /** Names of services and tasks. `undefined`: not a name of that network. */
  resolve(networkId: EngineNetworkId, name: string): readonly string[] | undefined;
  /** The name that belongs to an address. */
  reverse(networkId: EngineNetworkId, address: string): string | undefined;
}

export interface WantedPlace {
  readonly containerId: ContainerId;
  readonly containerName: string;
  /** Its id or its name. */
  readonly network: string;
  /** Further names on it. */
  readonly aliases: readonly string[];
  /** Empty: any. */
  readonly addresses: readonly string[];
}

/** Where the host end of a veth goes. */
export interface DevicePort {
  readonly links: Links;
  readonly bridge: string;
  readonly mtuBytes: number;
}

export interface ClusterSandbox {
  readonly containerId: ContainerId;
  readonly namespacePath: string;
  readonly nftables: Nftables;
  readonly endpoints: readonly { readonly networkId: EngineNetworkId; readonly address: string }[];
  /** Of the interface towards the host. */
  readonly hostAddress: string;
}
