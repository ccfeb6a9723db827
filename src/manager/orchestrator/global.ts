import { parseConstraint, satisfies } from "../../scheduler/constraint.ts";
import type { Node } from "../../model/cluster.ts";
import type { NodeId } from "../../model/ids.ts";
import { hasEndedByItself, isWanted, troubleOf } from "./instance.ts";
import type { Instance } from "./instance.ts";
import { mayRestart } from "./restart.ts";
import type { ServicePlanner } from "./service-plan.ts";
import { createSuccessor } from "./successor.ts";

/** One task on every node that the service's constraints allow. @returns the instances that are to go. */
export function planGlobal(planner: ServicePlanner, instances: ReadonlyMap<NodeId, Instance>): ReadonlySet<Instance> {
  const constraints = (planner.revision.task.placement?.constraints ?? []).map(parseConstraint);
  const fits = (node: Node): boolean => constraints.every(constraint => satisfies(node, constraint));
  const leaving = new Set<Instance>();
  for (const instance of instances.values()) {
    const node = instance.nodeId === undefined ? undefined : planner.view.get("node", instance.nodeId);
    if (node !== undefined && troubleOf(node) !== "drained" && fits(node)) continue;
    leaving.add(instance);
    if (!planner.hasRoom()) continue;
    for (const task of instance.tasks) {
      // The history of a node that is gone goes with it.
      if (node === undefined) planner.setDesired(task, "remove");
      else if (isWanted(task)) planner.setDesired(task, "shutdown");
    }
  }
  for (const node of planner.view.all("node")) {
    if (node.status.state !== "ready" || node.spec.availability !== "active" || !fits(node)) continue;
    const instance = instances.get(node.id) ?? { slot: 0, nodeId: node.id, tasks: [] };
    if (instance.tasks.some(isWanted) || hasFinished(planner, instance)) continue;
    if (!planner.hasRoom()) break;
    createSuccessor(planner, instance, { delayMs: 0 });
  }
  return leaving;
}

/** Its last task ended and its restart policy lets it rest. One that merely ended while its node was down or drained is made again. */
function hasFinished({ service, revision }: ServicePlanner, { tasks }: Instance): boolean {
  const last = tasks.at(-1);
  if (last?.revisionId !== service.revisionId || last.desiredState !== "shutdown" || !hasEndedByItself(last)) return false;
  const earlier = tasks.filter(task => task !== last);
  return !mayRestart(last, { restart: revision.task.restart, earlier, nowMs: last.status.atMs });
}
