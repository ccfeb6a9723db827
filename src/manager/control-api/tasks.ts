import { OperationError } from "../../lib/errors.ts";
import type { Task } from "../../model/cluster.ts";
import type { Filters, TaskView } from "../../model/control.ts";
import type { NetworkId, NodeId, ServiceId } from "../../model/ids.ts";
import { TASK_STATES } from "../../model/task-state.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import { beginsWith, checkFilters, hasLabels, passes } from "./filters.ts";
import { find } from "./find.ts";
import { Pace } from "./pace.ts";

const FILTERS = ["id", "name", "label", "service", "node", "desired-state", "_up-to-date", "runtime"];

export async function listTasks(view: StateSnapshot, filters: Filters): Promise<TaskView[]> {
  checkFilters(filters, FILTERS);
  for (const state of filters["desired-state"] ?? []) {
    if (!TASK_STATES.some(known => known === state))
      throw new OperationError("invalid", `Invalid desired-state filter: '${state}'`);
  }
  const services = filters["service"]?.map(reference => find(view, "service", reference).id);
  const nodes = filters["node"]?.map(reference => find(view, "node", reference).id);
  const views: TaskView[] = [];
  const pace = new Pace();
  for (const task of candidates(view, { services, nodes })) {
    if (pace.isDue()) await pace.nextTurn();
    if (!passes(filters, "id", beginsWith(task.id))) continue;
    if (!passes(filters, "desired-state", value => value === task.desiredState)) continue;
    if (services !== undefined && !services.includes(task.serviceId)) continue;
    if (nodes !== undefined && (task.nodeId === undefined || !nodes.includes(task.nodeId))) continue;
    const shown = viewOfTask(view, task);
    if (shown !== undefined && fitsService(view, { shown, filters })) views.push(shown);
  }
  return views;
}

/** The filters that need the task's service or revision. */
function fitsService(view: StateSnapshot, { shown, filters }: { readonly shown: TaskView; readonly filters: Filters }): boolean {
  const { task, revision, serviceName } = shown;
  const service = view.get("service", task.serviceId);
  const name = `${serviceName}.${task.slot === 0 ? (task.nodeId ?? "") : task.slot}.${task.id}`;
  return (
    passes(filters, "name", beginsWith(name)) &&
    passes(filters, "runtime", value => value === (revision.task.runtime ?? "container")) &&
    passes(filters, "_up-to-date", () => service?.revisionId === task.revisionId) &&
    hasLabels(filters, "label", service?.spec.labels ?? {})
  );
}

/** The smallest set that the indexes offer. */
function* candidates(
  view: StateSnapshot,
  { services, nodes }: { readonly services: readonly ServiceId[] | undefined; readonly nodes: readonly NodeId[] | undefined },
): Generator<Task> {
  if (services !== undefined && services.length > 0) {
    for (const id of new Set(services)) yield* view.tasksOfService(id);
  } else if (nodes !== undefined && nodes.length > 0) {
    for (const id of new Set(nodes)) yield* view.tasksOfNode(id);
  } else {
    yield* view.all("task");
  }
}

/** Nothing for a task whose service was removed under it: Docker shows none of those either. */
export function viewOfTask(view: StateSnapshot, task: Task): TaskView | undefined {
  const revision = view.get("revision", task.revisionId);
  if (revision === undefined) return undefined;
  const networkIds = new Set<NetworkId>(task.networks.map(({ networkId }) => networkId));
  const networks = [...networkIds].flatMap(id => view.get("network", id) ?? []);
  return { task, revision, serviceName: view.get("service", task.serviceId)?.spec.name ?? "", networks };
}
