import type { Task } from "../../model/cluster.ts";
import type { NodeId } from "../../model/ids.ts";
import { hasEndedByItself, isWanted } from "./instance.ts";
import type { Instance } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";
import { createSuccessor } from "./successor.ts";

/** Fills the missing slots of a replicated service and removes the surplus ones. @returns the instances that stay. */
export function planReplicas(
  planner: ServicePlanner,
  { instances, replicas }: { readonly instances: ReadonlyMap<number, Instance>; readonly replicas: number },
): readonly Instance[] {
  const live = [...instances.values()].filter(isLive);
  const finished = [...instances.values()].filter(instance => !isLive(instance) && hasFinished(planner, instance));
  const surplus = new Set<Instance>([
    ...finished.slice(Math.max(0, replicas - live.length)),
    ...surplusOf(live, Math.max(0, live.length - replicas)),
  ]);
  for (const instance of surplus) {
    if (!planner.hasRoom()) break;
    for (const task of instance.tasks) planner.setDesired(task, "remove");
  }
  const taken = new Set([...live, ...finished].filter(instance => !surplus.has(instance)).map(({ slot }) => slot));
  fill(planner, { instances, taken, replicas });
  return [...instances.values()].filter(instance => !surplus.has(instance));
}

function isLive({ tasks }: Instance): boolean {
  return tasks.some(isWanted);
}

/** Its last task ended and its restart policy lets it rest. */
function hasFinished({ service }: ServicePlanner, { tasks }: Instance): boolean {
  const last = tasks.at(-1);
  return (
    last !== undefined && last.revisionId === service.revisionId && last.desiredState === "shutdown" && hasEndedByItself(last)
  );
}

function fill(
  planner: ServicePlanner,
  options: {
    readonly instances: ReadonlyMap<number, Instance>;
    readonly taken: ReadonlySet<number>;
    readonly replicas: number;
  },
): void {
  let missing = options.replicas - options.taken.size;
  for (let slot = 1; missing > 0; slot++) {
    if (options.taken.has(slot)) continue;
    if (!planner.hasRoom()) return;
    missing--;
    const instance = options.instances.get(slot) ?? { slot, tasks: [] };
    createSuccessor(planner, instance, { delayMs: 0 });
  }
}

/**
 * Which slots go when a service is scaled down: those that do not run first, then those on the nodes with most of them.
 * @see SwarmKit manager/orchestrator/replicated/slot.go
 */
function surplusOf(live: readonly Instance[], count: number): readonly Instance[] {
  if (count === 0) return [];
  const runningFirst = live.toSorted((a, b) => Number(hasRunning(b)) - Number(hasRunning(a)) || a.slot - b.slot);
  const onNode = new Map<NodeId, number>();
  const ranked = runningFirst.map(instance => {
    const [only, ...others] = instance.tasks.filter(isWanted);
    if (only?.nodeId === undefined || others.length > 0) return { instance, nth: Infinity };
    const nth = (onNode.get(only.nodeId) ?? 0) + 1;
    onNode.set(only.nodeId, nth);
    return { instance, nth };
  });
  return ranked
    .toSorted((a, b) => (a.nth === b.nth ? 0 : a.nth - b.nth))
    .slice(-count)
    .map(({ instance }) => instance);
}

function hasRunning({ tasks }: Instance): boolean {
  return tasks.some((task: Task) => isWanted(task) && task.status.state === "running");
}
