import { OperationError } from "../../lib/errors.ts";
import type { ContainerContext } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { isRunning } from "./record.ts";
import { killAndWait } from "./stop-container.ts";

export interface RemoveOptions {
  readonly force: boolean;
  readonly volumes: boolean;
  readonly link: boolean;
}

/** @throws OperationError `conflict` in Docker's words when it runs and `force` is not given. */
export async function removeContainer(
  context: ContainerContext,
  lifecycle: Lifecycle,
  { entry, options }: { readonly entry: ContainerEntry; readonly options: RemoveOptions },
): Promise<void> {
  if (entry.isRemoving) throw new OperationError("conflict", `removal of container ${entry.id} is already in progress`);
  checkRemovable(entry, options);
  entry.isRemoving = true;
  try {
    // A start that was under way when this began is over when the queue is reached; later ones are refused.
    for (;;) {
      if (entry.run !== undefined) await killAndWait(context, entry);
      const isDone = await entry.queue.run(async () => {
        if (!context.store.has(entry.id)) return true; // `--rm` was faster.
        if (entry.run !== undefined) {
          checkRemovable(entry, options);
          return false;
        }
        await lifecycle.removeNow(entry, options);
        return true;
      });
      if (isDone) return;
    }
  } catch (error) {
    entry.isRemoving = false;
    throw error;
  }
}

function checkRemovable({ state, name }: ContainerEntry, { force }: { readonly force: boolean }): void {
  if (force || !isRunning(state)) return;
  const remedy =
    state.status === "paused" ? "and must be unpaused first" : ": stop the container before removing or force remove";
  const gap = state.status === "paused" ? " " : "";
  throw new OperationError("conflict", `cannot remove container "${name}": container is ${state.status}${gap}${remedy}`);
}
