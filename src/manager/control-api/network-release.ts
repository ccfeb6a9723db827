import type { Task } from "../../model/cluster.ts";
import type { NetworkId } from "../../model/ids.ts";
import { isTerminal } from "../../model/task-state.ts";
import type { Clock } from "../../ports/clock.ts";
import { putTask } from "../control-loop-draft.ts";
import { isOutOfReach, isWanted } from "../orchestrator/instance.ts";
import type { Change } from "../store/change.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import { find } from "./find.ts";

/** Within what a call may take; tasks that are slower to end are named in the refusal. */
const RELEASE_MS = 8_000;
const POLL_MS = 50;
/** Tasks of nodes that are down that one removal takes off the network: an entry of the log has its limit. */
const GIVEN_UP_MAX = 1_000;

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
    if (isTerminal(task.status.state) || isGivenUp(view, task)) continue;
    if (!isLeaving(view, task)) return false;
    isHeld = true;
  }
  return isHeld;
}

/**
 * Takes the tasks off a network that are to end on nodes that are down: nothing will be heard of them until their node is back, which
 * may be never, and then it takes the network away with them. All else of them stays as it is, their other addresses too.
 *
 * @returns the changes, or the task that holds the network.
 */
export function releaseNetwork(view: StateSnapshot, id: NetworkId): { readonly changes: readonly Change[] } | Task {
  const changes: Change[] = [];
  for (const task of view.tasksOnNetwork(id)) {
    if (isTerminal(task.status.state)) continue;
    if (!isGivenUp(view, task) || changes.length === GIVEN_UP_MAX) return task;
    changes.push(putTask({ ...task, networks: task.networks.filter(({ networkId }) => networkId !== id) }));
  }
  return { changes };
}

function isGivenUp(view: StateSnapshot, task: Task): boolean {
  return isOutOfReach(view, task) && isLeaving(view, task);
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
