import type { PortConfig, Service, ServiceEndpoint } from "../../model/cluster.ts";
import type { NetworkId } from "../../model/ids.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { portKey } from "../../scheduler/node-view.ts";
import type { AddressBook } from "./address-book.ts";
import { attachmentsOf, hasIngressPorts, ingressNetwork } from "./attachments.ts";

/** As Swarm's. */
const PORT_MIN = 30_000;
const PORT_MAX = 32_767;

export type EndpointPlan =
  | { readonly kind: "allocated"; readonly endpoint: ServiceEndpoint }
  /** Why it cannot be, for now. */
  | { readonly kind: "waiting"; readonly reason: string };

/** Published ports and virtual addresses of a service. What it has already it keeps. */
export function planEndpoint(
  view: Snapshot,
  { service, addresses, ports }: { readonly service: Service; readonly addresses: AddressBook; readonly ports: PortBook },
): EndpointPlan {
  const spec = service.spec.endpoint ?? { mode: "vip", ports: [] };
  const published: PortConfig[] = [];
  for (const port of spec.ports) {
    const plan = publishPort(port, { service, ports, published });
    if (typeof plan === "string") return { kind: "waiting", reason: plan };
    published.push(plan);
  }
  if (hasIngressPorts(spec.ports) && ingressNetwork(view) === undefined) {
    return { kind: "waiting", reason: "no ingress network is available" };
  }
  if (spec.mode === "dnsrr") return { kind: "allocated", endpoint: { ports: published, virtualIps: [] } };
  const virtualIps: { readonly networkId: NetworkId; readonly address: string }[] = [];
  for (const { network } of attachmentsOf(view, { task: service.spec.task, ports: spec.ports })) {
    const kept = service.endpoint.virtualIps.find(({ networkId }) => networkId === network.id);
    const address = kept?.address ?? addresses.take(network);
    if (address === undefined) return { kind: "waiting", reason: noAddress(network.spec.name) };
    virtualIps.push({ networkId: network.id, address });
  }
  return { kind: "allocated", endpoint: { ports: published, virtualIps } };
}

export function noAddress(networkName: string): string {
  return `could not find an available IP while allocating on network ${networkName}`;
}

function publishPort(
  port: PortConfig,
  options: { readonly service: Service; readonly ports: PortBook; readonly published: readonly PortConfig[] },
): PortConfig | string {
  const { service, ports, published } = options;
  if (port.publishMode === "host") return port;
  if ((port.publishedPort ?? 0) !== 0) {
    const owner = ports.ownerOf(port);
    if (owner === undefined || owner.id === service.id) return ports.take(port, service);
    return `port '${port.publishedPort}' is already in use by service '${owner.spec.name}' (${owner.id}) as an ingress port`;
  }
  const given = new Set(published.map(portKey));
  const kept = service.endpoint.ports.find(
    other =>
      other.publishMode === "ingress" &&
      other.protocol === port.protocol &&
      other.targetPort === port.targetPort &&
      !given.has(portKey(other)),
  );
  if (kept?.publishedPort !== undefined) return { ...port, publishedPort: kept.publishedPort };
  for (let publishedPort = PORT_MIN; publishedPort <= PORT_MAX; publishedPort++) {
    const candidate = { ...port, publishedPort };
    if (ports.ownerOf(candidate) === undefined) return ports.take(candidate, service);
  }
  return "no published port is free";
}

/** Which service has which ingress port, read from the state once a turn and kept up with what the turn gives out. */
export class PortBook {
  readonly #view: Snapshot;
  #owners: Map<string, Service> | undefined;

  constructor(view: Snapshot) {
    this.#view = view;
  }

  ownerOf(port: PortConfig): Service | undefined {
    return this.#read().get(portKey(port));
  }

  take(port: PortConfig, service: Service): PortConfig {
    this.#read().set(portKey(port), service);
    return port;
  }

  #read(): Map<string, Service> {
    if (this.#owners !== undefined) return this.#owners;
    this.#owners = new Map();
    for (const service of this.#view.all("service")) {
      for (const port of service.endpoint.ports) if (port.publishMode === "ingress") this.#owners.set(portKey(port), service);
    }
    return this.#owners;
  }
}
