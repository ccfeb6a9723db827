import type { Labels } from "./cluster.ts";
import type { ContainerId, EngineNetworkId } from "./ids.ts";

/** A network of this host, as REST shows it. */
export interface EngineNetwork {
  readonly id: EngineNetworkId;
  readonly name: string;
  readonly createdAtMs: number;
  readonly scope: "local" | "swarm";
  readonly driver: string;
  readonly isIpv4: boolean;
  readonly isIpv6: boolean;
  readonly ipamDriver: string;
  /** Undefined when none were given: shown as null. */
  readonly ipamOptions?: Labels;
  readonly ipam: readonly IpamPool[];
  readonly isInternal: boolean;
  readonly isAttachable: boolean;
  readonly isIngress: boolean;
  readonly options: Labels;
  readonly labels: Labels;
  readonly containers: Readonly<
    Record<
      ContainerId,
      {
        readonly name: string;
        readonly endpointId: string;
        readonly macAddress: string;
        readonly ipv4Address: string;
        readonly ipv6Address: string;
      }
    >
  >;
}

export interface IpamPool {
  readonly subnet: string;
  /** Nobody named it: addresses in it cannot be asked for. */
  readonly isSubnetChosen?: true;
  readonly gateway?: string;
  /** The gateway was chosen in a subnet that was given: inspect shows what was given. */
  readonly isGatewayChosen?: boolean;
  readonly ipRange?: string;
  readonly auxiliaryAddresses?: Labels;
}

export interface CreateNetworkRequest {
  readonly name: string;
  readonly driver: string;
  readonly isInternal: boolean;
  readonly isAttachable: boolean;
  readonly isIngress: boolean;
  readonly isIpv4: boolean;
  /** Missing: as the network's options say, else without. */
  readonly isIpv6?: boolean;
  readonly ipamDriver: string;
  /** Undefined when none were given: shown as null. */
  readonly ipamOptions?: Labels;
  readonly ipam: readonly Partial<IpamPool>[];
  readonly options: Labels;
  readonly labels: Labels;
  readonly scope: "" | "local" | "swarm";
}

export interface Volume {
  readonly name: string;
  readonly driver: string;
  readonly mountpoint: string;
  readonly createdAtMs: number;
  readonly labels: Labels;
  readonly options: Labels;
  readonly scope: "local" | "global";
  readonly isAnonymous: boolean;
}
