import { OperationError } from "../../lib/errors.ts";
import type { Filters, ServiceView, TaskView } from "../../model/control.ts";
import { callCluster } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { json } from "../http/exchange.ts";
import { filtersOf } from "../http/query.ts";
import { taskJson } from "../wire/cluster-objects.ts";
import { clusterLogOptionsOf, logAnswer } from "./log-answer.ts";
import { only } from "./object-version.ts";
import { GET } from "./route.ts";

/** Clients that wait for an update ask for the tasks of the newest spec alone. */
const UP_TO_DATE = "_up-to-date";
const TASK_FILTERS = ["desired-state", "id", "label", "name", "node", "service", "runtime", UP_TO_DATE];
const DESIRED_STATES = ["running", "shutdown", "accepted"];

async function list(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const { [UP_TO_DATE]: upToDate, runtime: _, ...filters } = filtersOf(request, TASK_FILTERS);
  checkDesiredStates(filters);
  const { tasks } = await callCluster(request, context, { kind: "list-tasks", filters });
  if (upToDate?.includes("true") !== true) return json(tasks.map(taskJson));
  const { services } = await callCluster(request, context, { kind: "list-services", filters: {} });
  return json(newestTasks(tasks, services));
}

function checkDesiredStates(filters: Filters): void {
  for (const state of filters["desired-state"] ?? []) {
    if (!DESIRED_STATES.includes(state)) throw new OperationError("invalid", `Invalid desired-state filter: '${state}'`);
  }
}

function newestTasks(tasks: readonly TaskView[], services: readonly ServiceView[]): readonly Record<string, unknown>[] {
  const byId = new Map(services.map(({ service }) => [service.id, service]));
  return tasks.flatMap(view => {
    const service = byId.get(view.task.serviceId);
    const { revisionId, jobIteration } = view.task;
    return service?.revisionId === revisionId && service.job?.iteration === jobIteration ? [taskJson(view)] : [];
  });
}

async function find(request: ApiRequest, context: ApiContext): Promise<TaskView> {
  const id = request.params["id"] ?? "";
  const { tasks } = await callCluster(request, context, { kind: "get-task", id });
  return only(tasks, { what: "task", idOrName: id });
}

async function logs(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const options = clusterLogOptionsOf(request);
  const { task } = await find(request, context);
  const { clusterLogs } = context.backends;
  if (clusterLogs === undefined) throw new OperationError("unavailable", "logs of tasks are not available on this node");
  return logAnswer(request, await clusterLogs.clusterLogs({ kind: "task", id: task.id }, options));
}

export const TASK_ROUTES: readonly Route<ApiContext>[] = [
  GET("/tasks", list),
  GET("/tasks/{id}", async (request, context) => json(taskJson(await find(request, context)))),
  GET("/tasks/{id}/logs", logs),
];
