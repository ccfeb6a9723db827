import type { Task } from "../../model/cluster.ts";
import { hasSlotAddresses } from "../allocator/slot-addresses.ts";
import type { NodeId } from "../../model/ids.ts";
import { hasEndedByItself, isWanted } from "./instance.ts";
import type { Instance, InstanceKey } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";
import type { ServiceTasks } from "./service-tasks.ts";
import { createSuccessor } from "./successor.ts";
import { isUpdating } from "./supervise.ts";

/**
 * Fills the missing slots of a replicated service and removes the surplus ones.
 * @param options.supervised - The restless ones as they become. All others are settled, so they are live.
 * @returns the instances that stay: all of them when an update has to do with it, otherwise those that were looked at.
 */
export function planReplicas(
  planner: ServicePlanner,
  options: {
    readonly tasks: ServiceTasks;
    readonly supervised: ReadonlyMap<InstanceKey, Instance>;
    readonly replicas: number;
  },
): readonly Instance[] {
  const { tasks, supervised, replicas } = options;
  const looked = [...supervised.values()].toSorted(bySlot);
  const live = looked.filter(isLive);
  const finished = looked.filter(instance => !isLive(instance) && hasFinished(planner, instance));
  const settledCount = tasks.instances.size - looked.length;
  const liveCount = settledCount + live.length;
  const all = (): readonly Instance[] => [...new Map([...tasks.instances, ...supervised]).values()].toSorted(bySlot);
  const surplus = new Set<Instance>([
    ...finished.slice(Math.max(0, replicas - liveCount)),
    ...(liveCount > replicas ? surplusOf(planner, all().filter(isLive), liveCount - replicas) : []),
  ]);
  for (const instance of surplus) {
    if (!planner.hasRoom()) break;
    for (const task of instance.tasks) planner.setDesired(task, "remove");
  }
  const taken = new Set([...live, ...finished].filter(instance => !surplus.has(instance)));
  const missing = replicas - (liveCount + finished.length - surplus.size);
  fill(planner, { tasks, free: looked.filter(instance => !taken.has(instance) && !surplus.has(instance)), missing });
  const isUpdateConcerned = isUpdating(planner) || looked.some(instance => isOutdated(planner, instance));
  return (isUpdateConcerned ? all() : looked).filter(instance => !surplus.has(instance));
}

function bySlot(a: Instance, b: Instance): number {
  return a.slot - b.slot;
}

function isOutdated({ service }: ServicePlanner, { tasks }: Instance): boolean {
  return tasks.some(task => isWanted(task) && task.revisionId !== service.revisionId);
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

/** The lowest slots first, whether nobody has them or only tasks that have ended. */
function fill(
  planner: ServicePlanner,
  { tasks, free, missing }: { readonly tasks: ServiceTasks; readonly free: readonly Instance[]; readonly missing: number },
): void {
  if (missing <= 0) return;
  const left = free.toSorted((a, b) => b.slot - a.slot);
  const slots = tasks.freeSlots();
  let slot = Number(slots.next().value);
  for (let count = 0; count < missing; count++) {
    if (!planner.hasRoom()) return;
    const known = left.at(-1);
    if (known !== undefined && known.slot < slot) {
      left.pop();
      createSuccessor(planner, known, { delayMs: 0 });
    } else {
      createSuccessor(planner, { slot, tasks: [] }, { delayMs: 0 });
      slot = Number(slots.next().value);
    }
  }
}

/**
 * Which slots go when a service is scaled down: those that do not run first, then those on the nodes with most of them. Where slots
 * have addresses the last ones go, so that the first addresses are those in use.
 * @see SwarmKit manager/orchestrator/replicated/slot.go
 */
function surplusOf({ revision }: ServicePlanner, live: readonly Instance[], count: number): readonly Instance[] {
  if (count === 0) return [];
  if (hasSlotAddresses(revision.task)) return live.toSorted(bySlot).slice(-count);
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
