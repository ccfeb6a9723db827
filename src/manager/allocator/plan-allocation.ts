import type { Service } from "../../model/cluster.ts";
import type { Change } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { putService, putTask } from "../control-loop-draft.ts";
import { isWanted } from "../orchestrator/instance.ts";
import type { AddressBook } from "./address-book.ts";
import { planEndpoint } from "./endpoint.ts";
import type { PortBook } from "./endpoint.ts";
import { allocateTask, waiting } from "./tasks.ts";

export interface AllocationContext {
  readonly addresses: AddressBook;
  readonly ports: PortBook;
  readonly nowMs: number;
}

/** Ports and addresses of one service, and of its tasks that have none yet. */
export function planAllocation(view: Snapshot, service: Service, context: AllocationContext): readonly Change[] {
  if (service.isRemoving) return [];
  const changes: Change[] = [];
  const plan = planEndpoint(view, { service, ...context });
  if (plan.kind === "allocated" && !isSame(plan.endpoint, service.endpoint)) {
    changes.push(putService({ ...service, endpoint: plan.endpoint }));
  }
  for (const task of view.tasksOfService(service.id)) {
    if (task.status.state !== "new" || !isWanted(task)) continue;
    const revision = view.get("revision", task.revisionId);
    if (revision === undefined) continue;
    const next =
      plan.kind === "waiting"
        ? waiting(task, { reason: plan.reason, nowMs: context.nowMs })
        : allocateTask(view, { task, revision, ...context });
    if (next !== task) changes.push(putTask(next));
  }
  return changes;
}

function isSame(a: Service["endpoint"], b: Service["endpoint"]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
