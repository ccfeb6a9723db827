import type { ContainerId, EngineNetworkId } from "../../model/ids.ts";
import type { IpBatch, Nftables } from "../../ports/kernel-network.ts";

/** Networks that cross hosts, as the engine sees them. Implemented by `network/`; an engine without a swarm has none. */
export interface ClusterDriver {
  /** Where the outer ends of endpoints' devices go. Resolves once the network is up on this host. `undefined`: no device (ingress). */
  port(networkId: EngineNetworkId): Promise<DevicePort | undefined>;
  /** A container's namespace is complete, or was taken up again, or its endpoints changed. Resolves when names and services work in it. */
  join(sandbox: ClusterSandbox): Promise<void>;
  /** No error when it never joined. */
  leave(containerId: ContainerId): Promise<void>;
  /** The set of this host's bridge networks has changed. */
  bridgesChanged(): void;
  /** Names of services and tasks. `undefined`: not a name of that network. */
  resolve(networkId: EngineNetworkId, name: string): readonly string[] | undefined;
  /** The name that belongs to an address. */
  reverse(networkId: EngineNetworkId, address: string): string | undefined;
}

/** Where the host end of a veth goes. */
export interface DevicePort {
  readonly batch: IpBatch;
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
