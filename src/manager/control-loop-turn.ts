import type { Service, Task } from "../model/cluster.ts";
import type { NodeId, ServiceId, TaskId } from "../model/ids.ts";
import { AddressBook } from "./allocator/address-book.ts";
import { PortBook } from "./allocator/endpoint.ts";
import { planNetworks } from "./allocator/networks.ts";
import { planNodes } from "./allocator/nodes.ts";
import { planAllocation } from "./allocator/plan-allocation.ts";
import { NO_SERVICE, planAttachments } from "./attachments.ts";
import { Draft, putService, putTask } from "./control-loop-draft.ts";
import type { LoopMemory } from "./control-loop-memory.ts";
import { planSchedule } from "./control-loop-schedule.ts";
import { isOpen } from "./orchestrator/instance.ts";
import { planService } from "./orchestrator/plan-service.ts";
import { unusedRevisions } from "./orchestrator/reap.ts";
import type { ServiceTasks } from "./orchestrator/service-tasks.ts";
import type { Change, Reliance } from "./store/change.ts";
import type { Snapshot } from "./store/snapshot.ts";

/** Each service that places tasks looks at every node: so many looks, some 20 ms, and the rest waits for the next turn. */
const NODE_LOOKS_MAX = 40_000;

export interface TurnOptions {
  readonly nowMs: number;
  readonly newTaskId: () => TaskId;
  /** To be looked at, in this order. */
  readonly services: readonly ServiceId[];
  readonly memory: LoopMemory;
  /** A service was changed, or tasks went: some revision may have lost its last use. */
  readonly sweepsRevisions: boolean;
  /** Nodes, networks or the cluster changed: some node may lack its number or address. */
  readonly looksAtNodes: boolean;
  readonly changesMax: number;
}

export interface Turn {
  readonly changes: readonly Change[];
  readonly reliesOn: readonly Reliance[];
  /** Services that were looked at whole, with the time to look at them again. */
  readonly looked: ReadonlyMap<ServiceId, { readonly wakeAtMs: number; readonly isWaiting: boolean }>;
  /** Services with something left for the next turn. */
  readonly begun: readonly ServiceId[];
}

/** One service on its way through the stages. */
interface Work {
  readonly id: ServiceId;
  readonly wakeAtMs: number;
  /** Something is left for the next turn. */
  readonly isPartial: boolean;
  /** Tasks without a node, as the stages so far make them. Only these go through all of them. */
  open: readonly Task[];
  /** More tasks without a node than one turn looks at. */
  readonly hasMoreOpen: boolean;
}

/**
 * One turn: orchestrate, allocate, schedule, each on what the one before planned; one bounded list of changes.
 * Pure but for `memory`, which knows the same state when this returns.
 */
export function planTurn(base: Snapshot, options: TurnOptions): Turn {
  const { nowMs, memory, changesMax } = options;
  const draft = new Draft(base);
  draft.add(planNetworks(base));
  const work = orchestrate(draft, options);
  // When nothing else is to be done: nobody waits for it.
  if (options.sweepsRevisions && draft.size === 0) draft.add(unusedRevisions(base).slice(0, changesMax));
  const looksAtAttachments = work.some(({ id }) => id === NO_SERVICE);
  const view = looksAtAttachments || work.some(({ id }) => usesNetwork(draft.service(id))) ? draft.view : base;
  const released = new Map<TaskId, Task>();
  const context = {
    addresses: new AddressBook(view, { nowMs, index: memory.addresses }),
    ports: new PortBook(view),
    nowMs,
    released,
  };
  if (options.looksAtNodes) draft.add(planNodes(view, { ...context, budget: changesMax - draft.size }));
  const attachments = looksAtAttachments ? planAttachments(view, { ...context, budget: changesMax - draft.size }) : undefined;
  draft.add(attachments?.changes ?? []); // Before services: an address that was asked for was seen to be free.
  for (const each of work) {
    const service = draft.service(each.id);
    if (service === undefined || service.isRemoving) continue;
    const plan = planAllocation(view, { ...context, service, tasks: each.open });
    if (plan.service !== service) draft.add([putService(plan.service)]);
    each.open = plan.tasks;
  }
  draft.add([...released.values()].map(putTask));
  const placed = planSchedule(view, {
    tasks: work.flatMap(({ open }) => open),
    usage: memory.usage,
    planned: draft.changes,
    nowMs,
  });
  draft.add(placed.filter(task => task.version === 0 || base.get("task", task.id) !== task).map(putTask));
  const waiting = leftWaiting(placed, options);
  if (attachments?.isWaiting === true) waiting.add(NO_SERVICE);
  const isBegun = ({ id, isPartial }: Work): boolean => isPartial || (id === NO_SERVICE && attachments?.isPartial === true);
  const begun = work.filter(isBegun).map(({ id }) => id);
  const looked = work
    .filter(each => !isBegun(each))
    .map(({ id, wakeAtMs, hasMoreOpen }) => [id, { wakeAtMs, isWaiting: hasMoreOpen || waiting.has(id) }] as const);
  const services = work.flatMap(({ id }) => draft.service(id) ?? []);
  return { changes: draft.changes, reliesOn: reliances(draft, services), looked: new Map(looked), begun };
}

function orchestrate(draft: Draft, { services, memory, nowMs, newTaskId, changesMax }: TurnOptions): readonly Work[] {
  const { base, view } = draft;
  const work: Work[] = [];
  const moves = new Map<NodeId, number>();
  let room = changesMax - draft.size;
  let placingLeft = Math.max(1, Math.floor(NODE_LOOKS_MAX / Math.max(1, base.count("node"))));
  for (const id of services) {
    if (room <= 0 || placingLeft <= 0) break;
    const service = base.get("service", id);
    if (service === undefined) {
      work.push({ id, wakeAtMs: Infinity, isPartial: false, open: [], hasMoreOpen: false });
      continue;
    }
    const tasks = memory.ofService(service);
    const plan = planService(view, service, { nowMs, newTaskId, budget: room, tasks, moves });
    const { others, open, hasFreshLeft, hasMoreOpen } = openTasks(tasks, { changes: plan.changes, max: room });
    draft.add(others);
    room -= others.length + open.length;
    if (open.length > 0) placingLeft--;
    work.push({ id, wakeAtMs: plan.wakeAtMs, isPartial: plan.isPartial || hasFreshLeft, open, hasMoreOpen });
  }
  return work;
}

/** The tasks that are to be allocated and placed, those just planned first; and what is planned besides. */
function openTasks(
  tasks: ServiceTasks,
  { changes, max }: { readonly changes: readonly Change[]; readonly max: number },
): {
  readonly others: readonly Change[];
  readonly open: readonly Task[];
  readonly hasFreshLeft: boolean;
  readonly hasMoreOpen: boolean;
} {
  const open: Task[] = [];
  const others: Change[] = [];
  const planned = new Set<string>();
  for (const change of changes) {
    if (change.table === "task") planned.add(change.kind === "put" ? change.object.id : change.id);
    if (change.kind === "put" && change.table === "task" && isOpen(change.object)) open.push(change.object);
    else others.push(change);
  }
  for (const task of tasks.open()) {
    if (planned.has(task.id)) continue;
    if (others.length + open.length >= max)
      return { others, open, hasFreshLeft: task.status.error === undefined, hasMoreOpen: true };
    open.push(task);
  }
  return { others, open, hasFreshLeft: false, hasMoreOpen: false };
}

function usesNetwork(service: Service | undefined): boolean {
  return service !== undefined && (service.spec.task.networks.length > 0 || (service.spec.endpoint?.ports.length ?? 0) > 0);
}

/** Services with tasks that could not be placed or allocated: nodes, networks or other services' ends may help. */
function leftWaiting(placed: readonly Task[], { memory }: TurnOptions): Set<ServiceId> {
  const waiting = new Set<ServiceId>();
  for (const task of placed) {
    if (!isOpen(task)) continue;
    waiting.add(task.serviceId);
    memory.passOver(task);
  }
  return waiting;
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
