import type { Service } from "../model/cluster.ts";
import type { NodeId, ServiceId, TaskId } from "../model/ids.ts";
import { AddressBook } from "./allocator/address-book.ts";
import { PortBook } from "./allocator/endpoint.ts";
import { planNetworks } from "./allocator/networks.ts";
import { planNodes } from "./allocator/nodes.ts";
import { planAllocation } from "./allocator/plan-allocation.ts";
import { Draft } from "./control-loop-draft.ts";
import { planSchedule } from "./control-loop-schedule.ts";
import type { NodeUsage } from "./control-loop-usage.ts";
import { isWanted } from "./orchestrator/instance.ts";
import { planService } from "./orchestrator/plan-service.ts";
import { unusedRevisions } from "./orchestrator/reap.ts";
import type { Change, Reliance } from "./store/change.ts";
import type { Snapshot } from "./store/snapshot.ts";

export interface TurnOptions {
  readonly nowMs: number;
  readonly newTaskId: () => TaskId;
  /** To be looked at, in this order. */
  readonly services: readonly ServiceId[];
  readonly usage: NodeUsage;
  /** A service was changed, or tasks went: some revision may have lost its last use. */
  readonly sweepsRevisions: boolean;
  readonly changesMax: number;
}

export interface Turn {
  readonly changes: readonly Change[];
  readonly reliesOn: readonly Reliance[];
  /** Services that were looked at whole, with the time to look at them again. */
  readonly looked: ReadonlyMap<ServiceId, { readonly wakeAtMs: number; readonly isWaiting: boolean }>;
}

/**
 * One turn: orchestrate, allocate, schedule, each on what the one before planned; one bounded list of changes.
 * Pure but for `usage`, which is as it was when this returns.
 */
export function planTurn(base: Snapshot, options: TurnOptions): Turn {
  const { nowMs, newTaskId, changesMax } = options;
  const draft = new Draft(base);
  draft.add(planNetworks(draft.view));
  const orchestrated: { readonly id: ServiceId; readonly wakeAtMs: number; readonly isPartial: boolean }[] = [];
  for (const id of options.services) {
    if (draft.size >= changesMax) break;
    const service = base.get("service", id);
    if (service === undefined) {
      orchestrated.push({ id, wakeAtMs: Infinity, isPartial: false });
      continue;
    }
    const plan = planService(draft.view, service, { nowMs, newTaskId, budget: changesMax - draft.size });
    draft.add(plan.changes);
    orchestrated.push({ id, ...plan });
  }
  if (options.sweepsRevisions) draft.add(unusedRevisions(draft.view).slice(0, Math.max(0, changesMax - draft.size)));
  const addresses = new AddressBook(draft.view, { nowMs });
  const ports = new PortBook(draft.view);
  draft.add(planNodes(draft.view, { addresses, budget: changesMax - draft.size }));
  const services = orchestrated.flatMap(({ id }) => draft.view.get("service", id) ?? []);
  for (const service of services) draft.add(planAllocation(draft.view, service, { addresses, ports, nowMs }));
  draft.add(planSchedule(draft.view, { services, usage: options.usage, planned: draft.changes, nowMs, changesMax }));
  const looked = new Map(
    orchestrated
      .filter(({ isPartial }) => !isPartial)
      .map(({ id, wakeAtMs }) => [id, { wakeAtMs, isWaiting: hasWaitingTasks(draft.view, id) }]),
  );
  return { changes: draft.changes, reliesOn: reliances(draft, services), looked };
}

/** Some task could not be placed or allocated: nodes, networks or other services' ends may help. */
function hasWaitingTasks(view: Snapshot, id: ServiceId): boolean {
  for (const task of view.tasksOfService(id)) {
    if (isWanted(task) && (task.status.state === "new" || task.status.state === "pending")) return true;
  }
  return false;
}

/** A plan holds for the services as they were read, and for the nodes as they were when they got tasks. */
function reliances(draft: Draft, services: readonly Service[]): readonly Reliance[] {
  const { base, changes } = draft;
  const changed = new Set(changes.map(change => (change.kind === "put" ? change.object.id : change.id) as string));
  const concerned = new Set<ServiceId>();
  const nodes = new Set<NodeId>();
  for (const change of changes) {
    if (change.table !== "task") continue;
    const task = change.kind === "put" ? change.object : base.get("task", change.id as TaskId);
    if (task === undefined) continue;
    concerned.add(task.serviceId);
    if (task.nodeId !== undefined && task.status.state === "assigned") nodes.add(task.nodeId);
  }
  const reliesOn: Reliance[] = [];
  for (const { id } of services) {
    const version = base.get("service", id)?.version;
    if (version !== undefined && concerned.has(id) && !changed.has(id)) reliesOn.push({ table: "service", id, version });
  }
  for (const id of nodes) {
    const version = base.get("node", id)?.version;
    if (version !== undefined && !changed.has(id)) reliesOn.push({ table: "node", id, version });
  }
  return reliesOn;
}
