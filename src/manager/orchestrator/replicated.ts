import { hasSlotAddresses } from "../allocator/slot-addresses.ts";
import { hasEndedByItself, isWanted } from "./instance.ts";
import type { Instance, InstanceKey } from "./instance.ts";
import type { ServicePlanner } from "./service-plan.ts";
import { SLICE } from "./service-tasks.ts";
import type { ServiceTasks } from "./service-tasks.ts";
import { createSuccessor } from "./successor.ts";

/**
 * Fills the missing slots of a replicated service and removes the surplus ones.
 * @param options.supervised - The restless ones as they become. All others are settled, so they are live.
 * @returns the surplus ones.
 */
export function planReplicas(
  planner: ServicePlanner,
  options: {
    readonly tasks: ServiceTasks;
    readonly supervised: ReadonlyMap<InstanceKey, Instance>;
    readonly replicas: number;
  },
): ReadonlySet<Instance> {
  const { tasks, supervised, replicas } = options;
  const looked = [...supervised.values()].toSorted(bySlot);
  const live = looked.filter(isLive);
  const finished = looked.filter(instance => !isLive(instance) && hasFinished(planner, instance));
  const settledCount = tasks.instances.size - looked.length;
  const liveCount = settledCount + live.length;
  const surplus = new Set<Instance>([
    ...finished.slice(Math.max(0, replicas - liveCount)),
    ...surplusOf(planner, { tasks, supervised, count: liveCount - replicas }),
  ]);
  for (const instance of surplus) {
    if (!planner.hasRoom()) break;
    for (const task of instance.tasks) planner.setDesired(task, "remove");
  }
  const taken = new Set([...live, ...finished].filter(instance => !surplus.has(instance)));
  const missing = replicas - (liveCount + finished.length - surplus.size);
  fill(planner, { tasks, free: looked.filter(instance => !taken.has(instance) && !surplus.has(instance)), missing });
  return surplus;
}

function bySlot(a: Instance, b: Instance): number {
  return a.slot - b.slot;
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

/** Which go because there are so many too many. @returns as many of them as this turn has room for. */
function surplusOf(
  planner: ServicePlanner,
  options: {
    readonly tasks: ServiceTasks;
    readonly supervised: ReadonlyMap<InstanceKey, Instance>;
    readonly count: number;
  },
): readonly Instance[] {
  const { tasks, supervised, count } = options;
  if (count <= 0) {
    tasks.forgetRanking();
    return [];
  }
  const order = tasks.ranking({ isBySlot: hasSlotAddresses(planner.revision.task) }).order(SLICE, supervised);
  if (order === undefined) {
    planner.leave();
    return [];
  }
  const surplus: Instance[] = [];
  for (let at = order.length - 1; at >= 0 && surplus.length < count; at--) {
    if (surplus.length >= planner.room) {
      planner.leave();
      break;
    }
    const slot = order[at] ?? 0;
    const instance = supervised.get(slot) ?? tasks.instances.get(slot);
    if (instance !== undefined && isLive(instance)) surplus.push(instance);
    else if (at === order.length - 1) order.pop();
  }
  if (order.length < count) tasks.forgetRanking(); // Others have come since it was made.
  return surplus.reverse();
}
