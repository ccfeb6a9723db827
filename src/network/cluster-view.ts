import type { Network } from "../model/cluster.ts";
import type { NetworkId, NodeId, ServiceId, TaskId } from "../model/ids.ts";
import type { AssignedService, Assignment, Endpoint, Peer } from "../model/session.ts";

export type NetworkAssignment = Extract<Assignment, { kind: "network" | "peer" | "service" | "endpoint" }>;

/** What this node was told of the cluster's networks, by id. */
export interface ClusterView {
  readonly networks: ReadonlyMap<NetworkId, Network>;
  readonly peers: ReadonlyMap<NodeId, Peer>;
  readonly services: ReadonlyMap<ServiceId, AssignedService>;
  readonly endpoints: ReadonlyMap<TaskId, Endpoint>;
}

export const EMPTY_VIEW: ClusterView = { networks: new Map(), peers: new Map(), services: new Map(), endpoints: new Map() };

export function clusterView(assignments: Iterable<NetworkAssignment>): ClusterView {
  const view = {
    networks: new Map<NetworkId, Network>(),
    peers: new Map<NodeId, Peer>(),
    services: new Map<ServiceId, AssignedService>(),
    endpoints: new Map<TaskId, Endpoint>(),
  };
  for (const assignment of assignments) {
    if (assignment.kind === "network") view.networks.set(assignment.network.id, assignment.network);
    else if (assignment.kind === "peer") view.peers.set(assignment.peer.nodeId, assignment.peer);
    else if (assignment.kind === "service") view.services.set(assignment.service.id, assignment.service);
    else view.endpoints.set(assignment.endpoint.taskId, assignment.endpoint);
  }
  return view;
}

/** `10.0.1.7/24` or `10.0.1.7`: the address alone. */
export function bareAddress(address: string): string {
  const end = address.indexOf("/");
  return end === -1 ? address : address.slice(0, end);
}

export function addressOn(endpoint: Endpoint, networkId: NetworkId): string | undefined {
  const found = endpoint.networks.find(network => network.networkId === networkId);
  return found === undefined ? undefined : bareAddress(found.address);
}

export function ingressNetwork(view: ClusterView): Network | undefined {
  for (const network of view.networks.values()) if (network.spec.isIngress) return network;
  return undefined;
}

/** Its node is down: nobody may be there to answer. */
export function isLost({ peers }: ClusterView, { nodeId }: Endpoint): boolean {
  return peers.get(nodeId)?.isDown === true;
}

const SERVING = new WeakMap<ClusterView, ReadonlyMap<ServiceId, readonly Endpoint[]>>();

/** Endpoints that traffic may be sent to, by task id within a service, so that nothing changes when nothing did. Worked out once per view. */
export function servingByService(view: ClusterView): ReadonlyMap<ServiceId, readonly Endpoint[]> {
  const known = SERVING.get(view);
  if (known !== undefined) return known;
  const groups = new Map<ServiceId, Endpoint[]>();
  for (const endpoint of view.endpoints.values()) {
    if (!endpoint.isServing || isLost(view, endpoint)) continue;
    const group = groups.get(endpoint.serviceId);
    if (group === undefined) groups.set(endpoint.serviceId, [endpoint]);
    else group.push(endpoint);
  }
  for (const group of groups.values()) group.sort((left, right) => (left.taskId < right.taskId ? -1 : 1));
  SERVING.set(view, groups);
  return groups;
}
