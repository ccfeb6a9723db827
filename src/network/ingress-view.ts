import { addressOn, bareAddress, type ClusterView, ingressNetwork, servingByService } from "./cluster-view.ts";
import type { PublishedService } from "./ingress-table.ts";
import type { PortConfig } from "../model/cluster.ts";
import type { NodeId } from "../model/ids.ts";

/**
 * Where each published port's connections go.
 * @param localTasks - Ingress address to address on the host's bridge, of the tasks whose namespaces are up here.
 */
export function publishedServices(
  view: ClusterView,
  { nodeId, localTasks }: { readonly nodeId: NodeId; readonly localTasks: ReadonlyMap<string, string> },
): readonly PublishedService[] {
  const ingress = ingressNetwork(view);
  if (ingress === undefined) return [];
  const serving = servingByService(view);
  const services: PublishedService[] = [];
  for (const service of view.services.values()) {
    const ports = service.ports.filter(isPublished);
    if (ports.length === 0) continue;
    const backends = (serving.get(service.id) ?? []).flatMap(endpoint => {
      const address = addressOn(endpoint, ingress.id);
      if (address === undefined) return [];
      return endpoint.nodeId === nodeId ? (localTasks.get(address) ?? []) : view.peers.has(endpoint.nodeId) ? address : [];
    });
    for (const { protocol, publishedPort, targetPort } of ports) services.push({ protocol, publishedPort, targetPort, backends });
  }
  return services;
}

type IngressPort = PortConfig & Pick<PublishedService, "protocol" | "publishedPort">;

function isPublished(port: PortConfig): port is IngressPort {
  return port.publishMode === "ingress" && (port.publishedPort ?? 0) !== 0 && port.protocol !== "sctp";
}

/** A task's ingress address on another host, and that host's own: the way there. */
export function ingressRoutes(view: ClusterView, nodeId: NodeId): ReadonlyMap<string, string> {
  const ingress = ingressNetwork(view);
  const routes = new Map<string, string>();
  if (ingress === undefined) return routes;
  for (const endpoint of view.endpoints.values()) {
    const address = addressOn(endpoint, ingress.id);
    const peer = view.peers.get(endpoint.nodeId);
    if (address !== undefined && peer !== undefined && endpoint.nodeId !== nodeId)
      routes.set(address, bareAddress(peer.ingressAddress));
  }
  return routes;
}
