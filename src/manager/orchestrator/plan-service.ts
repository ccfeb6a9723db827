import type { Service } from "../../model/cluster.ts";
import type { NodeId } from "../../model/ids.ts";
import type { Change } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { removal } from "../control-loop-draft.ts";
import { planGlobal } from "./global.ts";
import { isWanted, keyOfInstance } from "./instance.ts";
import type { Instance, InstanceKey } from "./instance.ts";
import { endEarlierRuns, planGlobalJob, planReplicatedJob } from "./jobs.ts";
import { reapInstance, reapOne } from "./reap.ts";
import { planReplicas } from "./replicated.ts";
import { ServicePlanner } from "./service-plan.ts";
import type { PlanContext, ServicePlan } from "./service-plan.ts";
import { SLICE } from "./service-tasks.ts";
import type { ServiceTasks } from "./service-tasks.ts";
import { isSettled } from "./settled.ts";
import { isUpdating, superviseInstance } from "./supervise.ts";
import { planUpdate } from "./update.ts";
import type { UpdateScope } from "./update.ts";

const NOTHING: ServicePlan = { changes: [], wakeAtMs: Infinity, isPartial: false };

/**
 * What one service's tasks should become. Pure but for `tasks`, which notes what it saw to be settled: the same state, time and ids
 * give the same plan.
 */
export function planService(
  view: Snapshot,
  service: Service,
  context: PlanContext & { readonly tasks: ServiceTasks },
): ServicePlan {
  const revision = view.get("revision", service.revisionId);
  if (revision === undefined) return NOTHING;
  const { tasks } = context;
  const planner = new ServicePlanner(view, { ...context, service, revision });
  tasks.keepUpWith(service);
  if (!isUpdating(planner)) tasks.forgetProgress();
  // Of what is to be removed each turn only marks as much as it has room for.
  const isWhole = tasks.review(service.isRemoving ? SLICE - tasks.restless.size : SLICE);
  settle(planner, tasks);
  const restless = new Map<InstanceKey, Instance>();
  for (const key of tasks.restless) {
    const instance = tasks.instances.get(key);
    if (instance !== undefined) restless.set(key, instance);
  }
  if (!isWhole) planner.leave();
  if (service.isRemoving) return planRemoval(planner, tasks, restless);
  // Ended tasks are replaced before missing slots are filled: a successor waits for its delay, a missing task does not.
  const supervised = superviseAll(planner, restless);
  if (!isWhole) return planner.plan(); // Nobody knows yet how many there are.
  const scope = planInstances(planner, { all: tasks, supervised });
  return planner.plan(scope === undefined ? [] : planUpdate(planner, scope));
}

/** Sorts out those that need nothing until they are touched. */
export function settle(planner: ServicePlanner, tasks: ServiceTasks): void {
  for (const key of tasks.restless) {
    const instance = tasks.instances.get(key);
    if (instance !== undefined && isSettled(planner, instance)) tasks.settle(key);
  }
}

export type Instances = ReadonlyMap<InstanceKey, Instance>;

/**
 * Instance by instance, all that each needs: where tasks end faster than turns replace them, what waited for the rest never came.
 * @returns them with what is reaped: a task that failed in an update is to be seen by it, also where no history is kept.
 */
function superviseAll(planner: ServicePlanner, instances: Instances): Instances {
  const supervised = new Map<InstanceKey, Instance>();
  for (const [key, instance] of instances) {
    const next = planner.hasRoomToSupervise() ? superviseInstance(planner, endEarlierRuns(planner, instance)) : undefined;
    if (next !== undefined) reapInstance(planner, next);
    supervised.set(key, next ?? instance);
  }
  return supervised;
}

/** @returns what an update may have to move to the present revision; a job is run again instead. */
function planInstances(
  planner: ServicePlanner,
  { all, supervised }: { readonly all: ServiceTasks; readonly supervised: Instances },
): UpdateScope | undefined {
  const { mode } = planner.service.spec;
  if (mode.kind === "replicated") {
    const surplus = planReplicas(planner, { tasks: all, supervised, replicas: mode.replicas });
    return scopeOf(planner, { all, supervised, leaving: surplus });
  }
  const instances = new Map([...all.instances, ...supervised]);
  switch (mode.kind) {
    case "global":
      return scopeOf(planner, { all, supervised, leaving: planGlobal(planner, instances as ReadonlyMap<NodeId, Instance>) });
    case "replicated-job":
      planReplicatedJob(planner, { ...mode, instances: instances as ReadonlyMap<number, Instance> });
      return undefined;
    case "global-job":
      planGlobalJob(planner, instances as ReadonlyMap<NodeId, Instance>);
      return undefined;
  }
}

/** What is kept between turns, with what this one makes of it. */
function scopeOf(
  { service }: ServicePlanner,
  options: { readonly all: ServiceTasks; readonly supervised: Instances; readonly leaving: ReadonlySet<Instance> },
): UpdateScope {
  const { all, supervised, leaving } = options;
  function* planned(): Generator<readonly [InstanceKey, Instance | undefined]> {
    for (const [key, instance] of supervised) if (instance !== all.instances.get(key)) yield [key, instance];
    for (const instance of leaving) yield [keyOfInstance(instance), undefined];
  }
  return {
    isConcerned: all.isOutdated(service),
    progressOf: counting => all.progressOf(counting, planned()),
    instances: () => [...new Map([...all.instances, ...supervised]).values()].filter(instance => !leaving.has(instance)),
  };
}

/** Takes the tasks down; the last one takes the service and its revisions with it. */
function planRemoval(planner: ServicePlanner, tasks: ServiceTasks, restless: Instances): ServicePlan {
  const { view, service } = planner;
  let left = tasks.instances.size - restless.size;
  for (const instance of restless.values()) {
    for (const task of instance.tasks) {
      if (!planner.hasRoom()) return planner.plan();
      const marked = planner.setDesired(task, "remove");
      if (isWanted(marked) || reapOne(planner, marked) !== undefined) left++;
    }
  }
  if (left > 0) return planner.plan();
  const others: Change[] = [removal("service", service)];
  for (const revision of view.all("revision")) if (revision.serviceId === service.id) others.push(removal("revision", revision));
  return planner.plan(others);
}
