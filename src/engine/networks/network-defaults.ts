import type { Labels } from "../../model/cluster.ts";
import type { ResolvSettings } from "./container-files.ts";
import { DEFAULT_POOLS, type SubnetPool, uniqueLocalPool } from "./default-pools.ts";

/** What networks and containers on them get that nobody asked otherwise for; the administrator's to choose. */
export interface NetworkDefaults {
  readonly pools: readonly SubnetPool[];
  /** Options of new networks of driver `bridge`. */
  readonly bridgeOptions: Labels;
  readonly defaultBridge: DefaultBridge;
  /** For containers that name none of their own. */
  readonly resolv: ResolvSettings;
  /** What `host-gateway` stands for, of each family; missing: the default bridge's addresses. */
  readonly hostGatewayAddresses?: readonly string[];
  /** Connections over IPv6 to published ports reach containers without it, and ::1 reaches all. */
  readonly forwardsPorts: boolean;
  /** Networks get rules for IPv6 as they get them for IPv4. */
  readonly hasIpv6Rules: boolean;
  readonly forwarding: { readonly isEnabled: boolean; readonly dropsOthers: boolean };
}

export interface DefaultBridge {
  readonly isIpv6: boolean;
  /** As `address`, for IPv6. */
  readonly ipv6Address?: string;
  readonly ipv6Range?: string;
  /** `192.168.1.1/24`; missing: a free one. */
  readonly address?: string;
  /** The part of its subnet that containers get addresses from. */
  readonly ipRange?: string;
  readonly mtuBytes: number;
  readonly isIccEnabled: boolean;
  readonly isMasquerading: boolean;
  /** Where ports are published that name no address. */
  readonly hostBindingAddress: string;
}

/** As Docker's, where daemon.json says nothing. */
export const NETWORK_DEFAULTS: NetworkDefaults = {
  pools: DEFAULT_POOLS,
  bridgeOptions: {},
  defaultBridge: { isIpv6: false, mtuBytes: 1500, isIccEnabled: true, isMasquerading: true, hostBindingAddress: "0.0.0.0" },
  resolv: { servers: [], search: [], options: [] },
  forwardsPorts: true,
  hasIpv6Rules: true,
  forwarding: { isEnabled: true, dropsOthers: true },
};

/** IPv6 subnets come from where the administrator says, else from a range of this host's own. */
export function withUniqueLocalPool(defaults: NetworkDefaults, hostId: string): NetworkDefaults {
  if (defaults.pools.some(({ range }) => range.family === 6)) return defaults;
  // The administrator may have named one family alone.
  return { ...defaults, pools: [...defaults.pools, uniqueLocalPool(hostId)] };
}
