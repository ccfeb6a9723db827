import { asId } from "../../model/ids.ts";
import type { NetworkId, NodeId, ServiceId, TaskId } from "../../model/ids.ts";
import { peerOf } from "../../model/session.ts";
import type { AssignmentKey } from "../../model/session.ts";
import type { TableName } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { assignedService, endpointOf, isAssigned, isLive } from "./assignments.ts";

/** Where news goes. */
export interface Recipients {
  node(nodeId: NodeId, key: AssignmentKey): void;
  /** The node's tasks changed in what they need. */
  needs(nodeId: NodeId): void;
  /** Every session on one of the networks. */
  onNetworks(networks: Iterable<NetworkId>, key: AssignmentKey): void;
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
    if (!isSame(old && assignedService(old), now && assignedService(now))) to.all({ kind: "service", id });
  }
  for (const id of touched.get("node") ?? []) {
    const [old, now] = [before, after].map(view => view.get("node", asId<NodeId>(id)));
    if (!isSame(old && peerOf(old), now && peerOf(now))) to.all({ kind: "peer", id });
  }
  for (const id of touched.get("network") ?? []) {
    const networkId = asId<NetworkId>(id);
    to.onNetworks([networkId], { kind: "network", id });
    const isIngress = [before, after].some(view => view.get("network", networkId)?.spec.isIngress === true);
    if (isIngress) for (const { id: nodeId } of after.all("node")) to.needs(nodeId);
  }
}

function routeTask({ before, after }: { readonly before: Snapshot; readonly after: Snapshot }, id: TaskId, to: Recipients): void {
  const old = before.get("task", id);
  const now = after.get("task", id);
  const nodeId = now?.nodeId ?? old?.nodeId;
  if (nodeId === undefined) return;
  const wasTold = old !== undefined && isAssigned(old);
  const isTold = now !== undefined && isAssigned(now);
  if (wasTold !== isTold || old?.desiredState !== now?.desiredState) to.node(nodeId, { kind: "task", id });
  if ((old !== undefined && isLive(old)) !== (now !== undefined && isLive(now))) to.needs(nodeId);
  if (isSame(endpointOf(before, old), endpointOf(after, now))) return;
  const networks = (now ?? old)?.networks.map(({ networkId }) => networkId) ?? [];
  to.onNetworks(networks, { kind: "endpoint", id });
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
