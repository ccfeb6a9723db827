import type { Service, Task } from "../../model/cluster.ts";
import type { TaskId } from "../../model/ids.ts";
import type { Snapshot } from "../store/snapshot.ts";
import type { AddressBook } from "./address-book.ts";
import { planEndpoint } from "./endpoint.ts";
import type { PortBook } from "./endpoint.ts";
import { allocateTask, waiting } from "./tasks.ts";

export interface AllocationContext {
  readonly addresses: AddressBook;
  readonly ports: PortBook;
  readonly nowMs: number;
  /** Of the whole turn: tasks from which addresses were taken, as they are without them. */
  readonly released: Map<TaskId, Task>;
}

export interface AllocationPlan {
  /** With its ports and virtual addresses; unchanged when it had them. */
  readonly service: Service;
  /** The tasks, those that were new allocated or with the reason why they have to wait. */
  readonly tasks: readonly Task[];
}

/** Ports and addresses of one service, and of those of its `tasks` that have none yet. */
export function planAllocation(
  view: Snapshot,
  { service, tasks, ...context }: AllocationContext & { readonly service: Service; readonly tasks: readonly Task[] },
): AllocationPlan {
  const plan = planEndpoint(view, { service, ...context });
  const endpoint = plan.kind === "allocated" && !isSame(plan.endpoint, service.endpoint) ? plan.endpoint : service.endpoint;
  const allocated = tasks.map(task => {
    const revision = task.status.state === "new" ? view.get("revision", task.revisionId) : undefined;
    if (revision === undefined) return task;
    return plan.kind === "waiting"
      ? waiting(task, { reason: plan.reason, nowMs: context.nowMs })
      : allocateTask(view, { task, revision, ...context });
  });
  return { service: endpoint === service.endpoint ? service : { ...service, endpoint }, tasks: allocated };
}

function isSame(a: Service["endpoint"], b: Service["endpoint"]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
