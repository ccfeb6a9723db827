import { isDeepStrictEqual } from "node:util";
import type { EndpointSpec, Revision, Service, ServiceSpec, Task, UpdateStatus } from "../../model/cluster.ts";
import type { Filters, ServiceView } from "../../model/control.ts";
import type { Change } from "../../model/entry.ts";
import type { RevisionId, ServiceId } from "../../model/ids.ts";
import { isToRun } from "../../model/task-state.ts";
import { isWanted } from "../orchestrator/instance.ts";
import { rpcError } from "../rpc-error.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import { beginsWith, checkFilters, hasLabels, passes } from "./filters.ts";
import { find } from "./find.ts";
import { checkVersion, type Mutation, type MutationContext, type PlanMutation } from "./mutations.ts";
import { Pace } from "./pace.ts";
import { checkFreeName, checkPorts, resolveReferences } from "./service-references.ts";
import { checkServiceSpec } from "./service-spec.ts";
import { checkSlotAddresses, withSlotAddresses } from "./slot-addresses.ts";

const NEW = { version: 0, createdAtMs: 0, updatedAtMs: 0 };
const NO_ENDPOINT: EndpointSpec = { mode: "vip", ports: [] };

export function createService(asked: ServiceSpec): PlanMutation {
  return (view, { newId, newName, nowMs }) => {
    const given = asked.name === "" ? { ...asked, name: newName() } : asked;
    checkServiceSpec(given);
    const { spec: resolved, reliesOn } = resolveReferences(view, given);
    const spec = withSlotAddresses(resolved, undefined);
    checkPorts(view, spec);
    checkSlotAddresses(view, spec);
    checkFreeName(view, spec.name);
    const id = newId<ServiceId>();
    const revision = revisionOf(spec, { id: newId<RevisionId>(), serviceId: id });
    const service: Service = {
      ...{ ...NEW, id, spec, revisionId: revision.id, isRemoving: false, isRollingBack: false },
      endpoint: { ports: [], virtualIps: [] },
      ...(isJob(spec) && { job: { iteration: 0, lastExecutedAtMs: nowMs } }),
    };
    return {
      changes: [put("revision", revision), put("service", service)],
      reliesOn,
      response: { kind: "created", id, warnings: [] },
    };
  };
}

export function updateService(request: {
  readonly id: string;
  readonly version: number;
  readonly spec: ServiceSpec;
  readonly rollback: boolean;
}): PlanMutation {
  const { id, version, spec, rollback } = request;
  return (view, context) => {
    if (!rollback) checkServiceSpec({ ...spec, name: spec.name || context.newName() }); // Which is another than its own.
    const service = find(view, "service", id);
    return rollback ? rollBack(service, version, context) : replaceSpec(view, { service, version, given: spec, context });
  };
}

function replaceSpec(
  view: StateSnapshot,
  options: {
    readonly service: Service;
    readonly version: number;
    readonly given: ServiceSpec;
    readonly context: MutationContext;
  },
): Mutation {
  const { service, version, given, context } = options;
  const { spec: resolved, reliesOn } = resolveReferences(view, withHostOptions(given, service.spec));
  const spec = withSlotAddresses(resolved, service.spec);
  if (!isDeepStrictEqual(spec.endpoint, service.spec.endpoint)) checkPorts(view, spec, { except: service.id });
  if (spec.mode.kind !== service.spec.mode.kind) throw rpcError("Unimplemented", "service mode change is not allowed");
  if (spec.name !== service.spec.name) throw rpcError("Unimplemented", "renaming services is not supported");
  checkVersion(service, version);
  checkSlotAddresses(view, spec, { own: service.id });
  const isSame =
    isDeepStrictEqual(spec.task, service.spec.task) &&
    isDeepStrictEqual(spec.endpoint ?? NO_ENDPOINT, service.spec.endpoint ?? NO_ENDPOINT);
  const revision = isSame ? undefined : revisionOf(spec, { id: context.newId<RevisionId>(), serviceId: service.id });
  const { updateStatus: _, ...rest } = service; // Begun anew by the orchestrator, if tasks have to be replaced.
  const updated: Service = {
    ...rest,
    spec,
    revisionId: revision?.id ?? service.revisionId,
    previousSpec: service.spec,
    previousRevisionId: service.revisionId,
    isRollingBack: false,
    ...runAgain(service, context),
  };
  const changes: Change[] = [put("service", updated, service.version)];
  if (revision !== undefined) changes.unshift(put("revision", revision));
  return { changes, reliesOn, response: { kind: "done" } };
}

/** Docker's clients read a spec and send it back without what they do not know: that is no wish to be without it. An empty one is. */
function withHostOptions(given: ServiceSpec, before: ServiceSpec): ServiceSpec {
  const { hostOptions } = before.task.container;
  if (hostOptions === undefined || given.task.container.hostOptions !== undefined) return given;
  return { ...given, task: { ...given.task, container: { ...given.task.container, hostOptions } } };
}

function isJob({ mode }: ServiceSpec): boolean {
  return mode.kind === "replicated-job" || mode.kind === "global-job";
}

/** Whatever is changed of a job. */
function runAgain({ job }: Service, { nowMs }: MutationContext): Pick<Service, "job"> {
  return job === undefined ? {} : { job: { iteration: job.iteration + 1, lastExecutedAtMs: nowMs } };
}

function rollbackStarted({ nowMs }: { readonly nowMs: number }): UpdateStatus {
  return { state: "rollback_started", startedAtMs: nowMs, message: "manually requested rollback" };
}

function rollBack(service: Service, version: number, context: MutationContext): Mutation {
  const { previousSpec, previousRevisionId } = service;
  if (previousSpec === undefined || previousRevisionId === undefined) {
    throw rpcError("FailedPrecondition", `service ${service.id} does not have a previous spec`);
  }
  checkVersion(service, version);
  const { updateStatus: _, ...rest } = service;
  const isRollingBack = service.job === undefined;
  const updated: Service = {
    ...rest,
    spec: previousSpec,
    revisionId: previousRevisionId,
    previousSpec: service.spec,
    previousRevisionId: service.revisionId,
    isRollingBack,
    // Whoever waits for it is told how it went also when no task has to be replaced.
    ...(isRollingBack && { updateStatus: rollbackStarted(context) }),
    ...runAgain(service, context),
  };
  return { changes: [put("service", updated, service.version)], response: { kind: "done" } };
}

/** Its tasks are taken down by the orchestrator, which removes it when the last is gone; users see it no more. */
export function removeService(idOrName: string): PlanMutation {
  return view => {
    const service = find(view, "service", idOrName);
    return { changes: [put("service", { ...service, isRemoving: true }, service.version)], response: { kind: "done" } };
  };
}

function revisionOf(spec: ServiceSpec, ids: { readonly id: RevisionId; readonly serviceId: ServiceId }): Revision {
  return { ...NEW, ...ids, task: spec.task, endpoint: spec.endpoint ?? NO_ENDPOINT };
}

function put<Table extends "service" | "revision">(
  table: Table,
  object: Table extends "service" ? Service : Revision,
  basedOn = 0,
): Change {
  return { kind: "put", table, object, basedOn } as Change;
}

export function listServices(view: StateSnapshot, filters: Filters): Service[] {
  checkFilters(filters, ["id", "name", "label", "mode", "runtime"]);
  return [...view.all("service")].filter(
    ({ id, spec, isRemoving }) =>
      !isRemoving &&
      passes(filters, "id", beginsWith(id)) &&
      passes(filters, "name", beginsWith(spec.name)) &&
      passes(filters, "mode", value => value === spec.mode.kind) &&
      passes(filters, "runtime", value => value === (spec.task.runtime ?? "container")) &&
      hasLabels(filters, "label", spec.labels),
  );
}

/** With the counts that `docker service ls` shows. */
export async function viewsOfServices(view: StateSnapshot, services: readonly Service[]): Promise<ServiceView[]> {
  const views: ServiceView[] = [];
  const pace = new Pace();
  for (const service of services) {
    const tasks = [...view.tasksOfService(service.id)];
    views.push(viewOfService(service, tasks));
    if (pace.isDue(tasks.length + 1)) await pace.nextTurn();
  }
  return views;
}

function viewOfService(service: Service, tasks: readonly Task[]): ServiceView {
  const { mode } = service.spec;
  const isOfThisRun = ({ jobIteration }: Task) => jobIteration === service.job?.iteration;
  const count = (fits: (task: Task) => boolean) => tasks.filter(fits).length;
  const desired = {
    replicated: () => (mode.kind === "replicated" ? mode.replicas : 0),
    global: () => count(task => task.desiredState === "running"),
    "replicated-job": () => (mode.kind === "replicated-job" ? mode.maxConcurrent : 0),
    "global-job": () => count(task => isOfThisRun(task) && isWanted(task)),
  };
  return {
    service,
    runningTasks: count(task => task.status.state === "running" && isToRun(task.desiredState)),
    desiredTasks: desired[mode.kind](),
    completedTasks: isJob(service.spec) ? count(task => isOfThisRun(task) && task.status.state === "complete") : 0,
  };
}
