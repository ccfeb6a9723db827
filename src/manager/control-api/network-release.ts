import type { Task } from "../../model/cluster.ts";
import { isTerminal } from "../../model/task-state.ts";
import type { Clock } from "../../ports/clock.ts";
import { isWanted } from "../orchestrator/instance.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import { find } from "./find.ts";

/** Within what a call may take; tasks that are slower to end are named in the refusal. */
const RELEASE_MS = 8_000;
const POLL_MS = 50;

/**
 * Waits while a network is held by nothing but tasks that are about to end: who removes a stack asks for its networks right after its
 * services, and other networks must not get the addresses while containers have them. What else holds it is for the removal to say.
 */
export async function untilReleased(
  view: () => StateSnapshot,
  idOrName: string,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + RELEASE_MS;
  while (isHeldForAMoment(view(), idOrName) && clock.monotonicMs() < deadlineMs)
    await clock.sleep(POLL_MS, signal === undefined ? {} : { signal });
}

function isHeldForAMoment(view: StateSnapshot, idOrName: string): boolean {
  const network = networkOf(view, idOrName);
  if (network === undefined) return false;
  let isHeld = false;
  for (const task of view.tasksOnNetwork(network.id)) {
    if (isTerminal(task.status.state)) continue;
    if (!isLeaving(view, task)) return false;
    isHeld = true;
  }
  return isHeld;
}

/** Its service is going, though the control loop may not have come to it yet, or it is to end for a reason of its own. */
function isLeaving(view: StateSnapshot, task: Task): boolean {
  if (!isWanted(task)) return true;
  return task.attachment === undefined && view.get("service", task.serviceId)?.isRemoving !== false;
}

function networkOf(view: StateSnapshot, idOrName: string) {
  try {
    return find(view, "network", idOrName);
  } catch {
    return undefined; // The removal says so, or answers as it did the first time.
  }
}
