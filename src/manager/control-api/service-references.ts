import type { NetworkAttachmentSpec, PortConfig, ServiceSpec } from "../../model/cluster.ts";
import type { Reliance } from "../../model/entry.ts";
import { nodeNetwork } from "../../model/node-networks.ts";
import { rpcError } from "../rpc-error.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import { find } from "./find.ts";

/** No network at all, as a service may ask for it. */
const NO_NETWORK = "none";

/**
 * The spec with ids where the user gave names, and what it relies on.
 * @throws OperationError when something that it names is not there, or a port is taken.
 */
export function resolveReferences(
  view: StateSnapshot,
  spec: ServiceSpec,
): { readonly spec: ServiceSpec; readonly reliesOn: readonly Reliance[] } {
  const networks = spec.task.networks.map(attachment => resolveNetwork(view, attachment));
  const reliesOn = [
    ...networks.flatMap(network => network.reliesOn),
    ...files(view, "secret", spec),
    ...files(view, "config", spec),
  ];
  if (spec.endpoint?.ports.some(port => port.publishMode === "ingress")) {
    const hasIngress = [...view.all("network")].some(network => network.spec.isIngress);
    if (!hasIngress) throw rpcError("FailedPrecondition", "service needs ingress network, but no ingress network is present");
  }
  return { spec: { ...spec, task: { ...spec.task, networks: networks.map(({ attachment }) => attachment) } }, reliesOn };
}

function resolveNetwork(view: StateSnapshot, attachment: NetworkAttachmentSpec) {
  const own = nodeNetwork(attachment.target);
  if (own !== undefined) return { attachment: { ...attachment, target: own.id }, reliesOn: [] };
  if (attachment.target === NO_NETWORK) return { attachment, reliesOn: [] };
  const { id, version, spec } = find(view, "network", attachment.target);
  if (spec.isIngress) {
    throw rpcError("InvalidArgument", `Service cannot be explicitly attached to the ingress network "${spec.name}"`);
  }
  const reliance: Reliance = { table: "network", id, version };
  return { attachment: { ...attachment, target: id }, reliesOn: [reliance] };
}

function files(view: StateSnapshot, table: "secret" | "config", { task: { container } }: ServiceSpec): Reliance[] {
  const references = (table === "secret" ? container.secrets : container.configs) ?? [];
  const found = references.map(({ id, name }) => {
    const object = view.get(table, id);
    return { name, object: object?.spec.name === name ? object : undefined };
  });
  const missing = found.filter(({ object }) => object === undefined).map(({ name }) => name);
  if (missing.length > 0) {
    throw rpcError("InvalidArgument", `${table}${missing.length === 1 ? "" : "s"} not found: ${missing.join(", ")}`);
  }
  return found.flatMap(({ object }) => (object === undefined ? [] : [{ table, id: object.id, version: object.version }]));
}

/** @throws OperationError `invalid` when another service has one of the ports. */
export function checkPorts(view: StateSnapshot, spec: ServiceSpec, { except }: { readonly except?: string } = {}): void {
  const wanted = new Map((spec.endpoint?.ports ?? []).filter(isPublished).map(port => [portKey(port), port]));
  if (wanted.size === 0) return;
  for (const service of view.all("service")) {
    if (service.id === except || service.isRemoving) continue;
    const taken = [...(service.spec.endpoint?.ports ?? []), ...service.endpoint.ports].filter(isPublished);
    for (const port of taken) {
      const own = wanted.get(portKey(port));
      if (own === undefined || (own.publishMode === "host" && port.publishMode === "host")) continue;
      const how = port.publishMode === "host" ? "a host-published port" : "an ingress port";
      throw rpcError(
        "InvalidArgument",
        `port '${port.publishedPort}' is already in use by service '${service.spec.name}' (${service.id}) as ${how}`,
      );
    }
  }
}

function isPublished({ publishedPort = 0 }: PortConfig): boolean {
  return publishedPort !== 0;
}

function portKey({ publishedPort, protocol }: PortConfig): string {
  return `${publishedPort}/${protocol}`;
}

/** Names must be free where they are given out. */
export function checkFreeName(view: StateSnapshot, name: string): void {
  if (view.byName("service", name) === undefined) return;
  throw rpcError("AlreadyExists", `name conflicts with an existing object: service ${name} already exists`);
}
