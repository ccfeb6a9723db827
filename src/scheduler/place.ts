import type { Placement } from "../model/cluster.ts";
import type { NodeId, RevisionId, ServiceId, TaskId } from "../model/ids.ts";
import type { GenericResource } from "../model/resources.ts";
import { bindFilters, explainRefusals, refusal } from "./filters.ts";
import type { BoundFilters, Filter } from "./filters.ts";
import { NodeLoad } from "./node-view.ts";
import type { NodeView, Resources } from "./node-view.ts";
import { SpreadTree } from "./spread.ts";

/** A task that needs a node. */
export interface PlacementRequest {
  readonly taskId: TaskId;
  readonly serviceId: ServiceId;
  /** Tasks of one revision ask for the same things. */
  readonly revisionId: RevisionId;
  /** A global service's task: this node or none. */
  readonly nodeId?: NodeId;
  readonly reservations: Resources;
  readonly placement: Placement;
  /** As `reservedHostPorts` writes them. */
  readonly hostPorts: readonly string[];
}

export interface PlacementResult {
  readonly assigned: ReadonlyMap<TaskId, NodeId>;
  /** Of their nodes' generic resources, those that tasks have: of tasks that need some. */
  readonly claimed: ReadonlyMap<TaskId, readonly GenericResource[]>;
  /** Why a task fits nowhere. */
  readonly reasons: ReadonlyMap<TaskId, string>;
}

/** Gives tasks to nodes, evenly. Same input, same output; the order of `nodes` does not matter. */
export function place(requests: readonly PlacementRequest[], nodes: Iterable<NodeView>): PlacementResult {
  const loads = new Map<NodeId, NodeLoad>();
  for (const view of nodes) loads.set(view.node.id, new NodeLoad(view));
  return placeOn(requests, loads);
}

/** As `place`; the loads take on what they are given, so the caller has to put them right or throw them away. */
export function placeOn(requests: readonly PlacementRequest[], loads: ReadonlyMap<NodeId, NodeLoad>): PlacementResult {
  const assigned = new Map<TaskId, NodeId>();
  const claimed = new Map<TaskId, readonly GenericResource[]>();
  const reasons = new Map<TaskId, string>();
  const assign = (request: PlacementRequest, load: NodeLoad): void => {
    const resources = load.take(request);
    if (resources.length > 0) claimed.set(request.taskId, resources);
    assigned.set(request.taskId, load.id);
  };
  for (const group of groups(requests)) {
    const [first] = group;
    if (first === undefined) continue;
    const filters = bindFilters(first);
    const spread = group.filter(request => request.nodeId === undefined);
    for (const request of group) if (request.nodeId !== undefined) placeFixed(request, { loads, filters, assign, reasons });
    if (spread.length > 0) placeSpread(spread, { loads, filters, assign, reasons });
  }
  return { assigned, claimed, reasons };
}

interface PlaceContext {
  readonly loads: ReadonlyMap<NodeId, NodeLoad>;
  readonly filters: BoundFilters;
  readonly assign: (request: PlacementRequest, load: NodeLoad) => void;
  readonly reasons: Map<TaskId, string>;
}

function groups(requests: readonly PlacementRequest[]): Iterable<readonly PlacementRequest[]> {
  const byRevision = new Map<string, PlacementRequest[]>();
  for (const request of requests) {
    const key = `${request.serviceId}/${request.revisionId}`;
    const group = byRevision.get(key);
    if (group === undefined) byRevision.set(key, [request]);
    else group.push(request);
  }
  return byRevision.values();
}

function placeFixed(request: PlacementRequest, { loads, filters, assign, reasons }: PlaceContext): void {
  const load = request.nodeId === undefined ? undefined : loads.get(request.nodeId);
  const refusedBy = load === undefined ? undefined : refusal(filters, load);
  if (load === undefined || refusedBy !== undefined) {
    reasons.set(request.taskId, explainRefusals(refusedBy === undefined ? new Map() : new Map([[refusedBy, 1]])));
    return;
  }
  assign(request, load);
}

function placeSpread(requests: readonly PlacementRequest[], { loads, filters, assign, reasons }: PlaceContext): void {
  const [first] = requests;
  if (first === undefined) return;
  const refusals = new Map<Filter, number>();
  const count = (filter: Filter): void => void refusals.set(filter, (refusals.get(filter) ?? 0) + 1);
  const candidates: NodeLoad[] = [];
  const others: NodeLoad[] = [];
  for (const load of loads.values()) {
    const refusedBy = refusal(filters, load);
    if (refusedBy === undefined) candidates.push(load);
    else {
      count(refusedBy);
      others.push(load);
    }
  }
  const descriptors = (first.placement.preferences ?? []).map(({ spreadDescriptor }) => spreadDescriptor);
  const tree = new SpreadTree({ serviceId: first.serviceId, descriptors, candidates, others });
  for (const request of requests) {
    const choice = tree.next();
    if (choice === undefined) {
      reasons.set(request.taskId, explainRefusals(refusals));
      continue;
    }
    assign(request, choice.load);
    const refusedBy = refusal(filters, choice.load);
    if (refusedBy !== undefined) count(refusedBy);
    choice.settle({ isFull: refusedBy !== undefined });
  }
}
