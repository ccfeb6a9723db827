import type { Config, Secret } from "../../model/cluster.ts";
import { asId } from "../../model/ids.ts";
import type { NetworkId, NodeId, ServiceId, TaskId } from "../../model/ids.ts";
import { peerOf } from "../../model/session.ts";
import type { AssignmentKey } from "../../model/session.ts";
import type { TableName } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { assignedService, endpointOf, isAssigned, isLive, networksOfNode, reachOf } from "./assignments.ts";

/** Where news goes. */
export interface Recipients {
  node(nodeId: NodeId, key: AssignmentKey): void;
  /** The node's tasks changed in what they need. */
  needs(nodeId: NodeId): void;
  /** Every session on one of the networks. */
  onNetworks(networks: Iterable<NetworkId>, key: AssignmentKey): void;
  /** A node's session, those on its networks, and those that take connections from every node. */
  peer(nodeId: NodeId, networks: Iterable<NetworkId>): void;
  /** Sessions whose tasks name this secret or config. */
  holders(key: AssignmentKey): void;
  all(key: AssignmentKey): void;
}

/**
 * Sends what one step of the state changed to the sessions it concerns.
 *
 * States are compared here, once for everybody; a change that makes no difference to workers (their own reports, mostly) goes nowhere.
 */
export function route(
  { before, after }: { readonly before: Snapshot; readonly after: Snapshot },
  touched: ReadonlyMap<TableName, ReadonlySet<string>>,
  to: Recipients,
): void {
  for (const id of touched.get("task") ?? []) routeTask({ before, after }, asId(id), to);
  for (const id of touched.get("service") ?? []) {
    const [old, now] = [before, after].map(view => view.get("service", asId<ServiceId>(id)));
    const reaches = [reachOf(before, old), reachOf(after, now)];
    // Also when only its networks changed: without virtual addresses nothing else tells who has to know of it.
    if (isSame(old && assignedService(old), now && assignedService(now)) && isSame(reaches[0], reaches[1])) continue;
    if (reaches.some(({ isAll }) => isAll)) to.all({ kind: "service", id });
    else to.onNetworks(new Set(reaches.flatMap(({ networks }) => networks)), { kind: "service", id });
  }
  for (const id of touched.get("node") ?? []) {
    const nodeId = asId<NodeId>(id);
    const [old, now] = [before, after].map(view => view.get("node", nodeId));
    if (isSame(old && peerOf(old), now && peerOf(now))) continue;
    to.peer(nodeId, new Set([...networksOfNode(before, nodeId), ...networksOfNode(after, nodeId)]));
  }
  for (const id of touched.get("network") ?? []) {
    const networkId = asId<NetworkId>(id);
    to.onNetworks([networkId], { kind: "network", id });
    const isIngress = [before, after].some(view => view.get("network", networkId)?.spec.isIngress === true);
    if (isIngress) for (const { id: nodeId } of after.all("node")) to.needs(nodeId);
  }
  for (const kind of ["secret", "config"] as const) {
    for (const id of touched.get(kind) ?? []) {
      if (!isSameBlob(before.get(kind, asId<never>(id)), after.get(kind, asId<never>(id)))) to.holders({ kind, id });
    }
  }
}

/** Other data, or another way to tell tasks of it; labels are of no use to workers. */
function isSameBlob(a: Secret | Config | undefined, b: Secret | Config | undefined): boolean {
  if (a === undefined || b === undefined) return true; // Those that come and go do so with tasks.
  return a.reloadSignal === b.reloadSignal && Buffer.compare(a.spec.data, b.spec.data) === 0;
}

function routeTask({ before, after }: { readonly before: Snapshot; readonly after: Snapshot }, id: TaskId, to: Recipients): void {
  const old = before.get("task", id);
  const now = after.get("task", id);
  const nodeId = now?.nodeId ?? old?.nodeId;
  if (nodeId === undefined) return;
  const wasTold = old !== undefined && isAssigned(old);
  const isTold = now !== undefined && isAssigned(now);
  if (wasTold !== isTold || old?.desiredState !== now?.desiredState) to.node(nodeId, { kind: "task", id });
  const isLiveChange = (old !== undefined && isLive(old)) !== (now !== undefined && isLive(now));
  if (isLiveChange) to.needs(nodeId);
  const networks = (now ?? old)?.networks.map(({ networkId }) => networkId) ?? [];
  if (networks.length === 0 || isSame(endpointOf(before, old), endpointOf(after, now))) return;
  to.onNetworks(networks, { kind: "endpoint", id });
  if (isLiveChange) to.onNetworks(networks, { kind: "peer", id: nodeId });
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
