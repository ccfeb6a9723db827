import type { Labels } from "../../model/cluster.ts";
import type { ResolvSettings } from "./container-files.ts";
import { DEFAULT_POOLS, type SubnetPool } from "./default-pools.ts";

/** What networks and containers on them get that nobody asked otherwise for; the administrator's to choose. */
export interface NetworkDefaults {
  readonly pools: readonly SubnetPool[];
  /** Options of new networks of driver `bridge`. */
  readonly bridgeOptions: Labels;
  readonly defaultBridge: DefaultBridge;
  /** For containers that name none of their own. */
  readonly resolv: ResolvSettings;
  /** What `host-gateway` stands for; missing: the default bridge's address. */
  readonly hostGatewayAddress?: string;
  /** Connections over IPv6 to published ports reach containers without it, and ::1 reaches all. */
  readonly forwardsPorts: boolean;
  readonly forwarding: { readonly isEnabled: boolean; readonly dropsOthers: boolean };
}

export interface DefaultBridge {
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
  defaultBridge: { mtuBytes: 1500, isIccEnabled: true, isMasquerading: true, hostBindingAddress: "0.0.0.0" },
  resolv: { servers: [], search: [], options: [] },
  forwardsPorts: true,
  forwarding: { isEnabled: true, dropsOthers: true },
};
