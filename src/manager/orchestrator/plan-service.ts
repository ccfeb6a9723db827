import type { Service, Task } from "../../model/cluster.ts";
import type { NodeId } from "../../model/ids.ts";
import type { Change } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { removal } from "../control-loop-draft.ts";
import { planGlobal } from "./global.ts";
import { instancesOf, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import { endEarlierRuns, planGlobalJob, planReplicatedJob } from "./jobs.ts";
import { reapInstance, reapOne } from "./reap.ts";
import { planReplicas } from "./replicated.ts";
import { ServicePlanner } from "./service-plan.ts";
import type { PlanContext, ServicePlan } from "./service-plan.ts";
import { superviseInstance } from "./supervise.ts";
import { planUpdate } from "./update.ts";

const NOTHING: ServicePlan = { changes: [], wakeAtMs: Infinity, isPartial: false };

/** What one service's tasks should become. Pure: the same state, time and ids give the same plan. */
export function planService(view: Snapshot, service: Service, context: PlanContext): ServicePlan {
  const revision = view.get("revision", service.revisionId);
  if (revision === undefined) return NOTHING;
  const planner = new ServicePlanner(view, { ...context, service, revision });
  if (service.isRemoving) return planRemoval(planner);
  const instances = instancesOf(view, service);
  // Ended tasks are replaced before missing slots are filled: a successor waits for its delay, a missing task does not.
  const supervised = superviseAll(planner, instances);
  const staying = planInstances(planner, supervised);
  const serviceChanges = service.job === undefined ? planUpdate(planner, staying) : [];
  for (const instance of instances.values()) {
    // Looked at again next turn, once its changes are in: one change a task, and reaping never takes what was just put.
    if (planner.hasRoom())
      reapInstance(planner, { ...instance, tasks: supervised.get(keyOf(instance))?.tasks ?? instance.tasks });
  }
  return planner.plan(serviceChanges);
}

type Instances = ReadonlyMap<number | NodeId, Instance>;

function keyOf({ slot, nodeId }: Instance): number | NodeId {
  return nodeId ?? slot;
}

function superviseAll(planner: ServicePlanner, instances: Instances): Instances {
  const supervised = new Map<number | NodeId, Instance>();
  for (const [key, instance] of instances) {
    supervised.set(key, planner.hasRoom() ? superviseInstance(planner, endEarlierRuns(planner, instance)) : instance);
  }
  return supervised;
}

/** @returns the instances that stay, which an update moves to the present revision; a job is run again instead. */
function planInstances(planner: ServicePlanner, instances: Instances): readonly Instance[] {
  const { mode } = planner.service.spec;
  switch (mode.kind) {
    case "replicated":
      return planReplicas(planner, { instances: instances as ReadonlyMap<number, Instance>, replicas: mode.replicas });
    case "global":
      return planGlobal(planner, instances as ReadonlyMap<NodeId, Instance>);
    case "replicated-job":
      planReplicatedJob(planner, { ...mode, instances: instances as ReadonlyMap<number, Instance> });
      return [];
    case "global-job":
      planGlobalJob(planner, instances as ReadonlyMap<NodeId, Instance>);
      return [];
  }
}

/** Takes the tasks down; the last one takes the service and its revisions with it. */
function planRemoval(planner: ServicePlanner): ServicePlan {
  const { view, service } = planner;
  const left: Task[] = [];
  for (const task of view.tasksOfService(service.id)) {
    if (!planner.hasRoom()) return planner.plan();
    const marked = planner.setDesired(task, "remove");
    if (isWanted(marked) || !reapOne(planner, marked)) left.push(marked);
  }
  if (left.length > 0) return planner.plan();
  const others: Change[] = [removal("service", service)];
  for (const revision of view.all("revision")) if (revision.serviceId === service.id) others.push(removal("revision", revision));
  return planner.plan(others);
}
