import type { Container, ContainerState, EndpointState } from "../../model/container.ts";
import { healthAtStart } from "../health/state.ts";
import type { JoinedNetwork } from "../networks/ports-error.ts";
import type { MountPlan } from "./mount-plan.ts";

/** A container as it is kept. */
export interface ContainerRecord {
  readonly container: Container;
  readonly mounts: readonly MountPlan[];
  /** With `container.state.pid`: the one process it is. */
  readonly pidStartTicks: number;
  /** The boot in which it was started last. */
  readonly bootId: string;
  /** The user stopped it or sent it a signal, so policy `unless-stopped` leaves it alone. */
  readonly isStoppedByUser: boolean;
  /** It is paused for as long as something of the daemon's takes, and goes on when that is over, whatever becomes of the daemon. */
  readonly isPausedForNow?: boolean;
}

export function withState(record: ContainerRecord, state: Partial<ContainerState>): ContainerRecord {
  return { ...record, container: { ...record.container, state: { ...record.container.state, ...state } } };
}

const CHECKS: ReadonlySet<string> = new Set(["CMD", "CMD-SHELL", "HTTP", "TCP"]);

/** One that is checked is neither well nor ill when it starts. */
export function withHealthAtStart(record: ContainerRecord): ContainerRecord {
  const { config, state } = record.container;
  const [kind = ""] = config.healthcheck?.test ?? [];
  return CHECKS.has(kind) ? withState(record, { health: healthAtStart(state.health) }) : record;
}

export function withRestartCount(record: ContainerRecord, restartCount: number): ContainerRecord {
  return { ...record, container: { ...record.container, restartCount } };
}

/** On the same networks, with no address: as it is while no process runs. Which ones they are is known if it ran. */
export function withIdleNetworks(record: ContainerRecord, { hasRun = true } = {}): ContainerRecord {
  const { container } = record;
  const endpoints = Object.entries(container.networks.endpoints).map(
    ([name, { config, networkId, dnsNames }]) =>
      [name, { ...idleEndpoint(config), ...(hasRun ? { networkId, dnsNames } : {}) }] as const,
  );
  const networks = { sandboxId: "", sandboxKey: "", ports: {}, endpoints: Object.fromEntries(endpoints) };
  return { ...record, container: { ...container, networks } };
}

/** A container that does not run keeps which networks it was on. */
export function withJoinedNetworks(record: ContainerRecord, joined: Readonly<Record<string, JoinedNetwork>>): ContainerRecord {
  const { container } = record;
  const endpoints = Object.entries(container.networks.endpoints).map(
    ([name, endpoint]) => [name, { ...endpoint, ...joined[name] }] as const,
  );
  const networks = { ...container.networks, endpoints: Object.fromEntries(endpoints) };
  return { ...record, container: { ...container, networks } };
}

/** An endpoint as it is while its container does not run. */
export function idleEndpoint(config: EndpointState["config"]): EndpointState {
  return {
    config,
    networkId: "",
    endpointId: "",
    gateway: "",
    ipAddress: "",
    ipPrefixLength: 0,
    ipv6Gateway: "",
    globalIpv6Address: "",
    globalIpv6PrefixLength: 0,
    macAddress: "",
    dnsNames: [],
  };
}

/** Its process is there (also while paused, not while it waits to be restarted). */
export function hasProcess({ status }: ContainerState): boolean {
  return status === "running" || status === "paused";
}

/** As Docker counts: also while it waits to be restarted. */
export function isRunning({ status }: ContainerState): boolean {
  return status === "running" || status === "paused" || status === "restarting";
}
