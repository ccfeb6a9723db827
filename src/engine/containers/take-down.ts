import { errorMessage } from "../../lib/errors.ts";
import type { ShimContainer } from "../runtime/shim.ts";
import { removeBundle } from "./bundle-mounts.ts";
import type { ContainerContext } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import { imagesIn, volumesIn } from "./prepare-mounts.ts";

/** What the runtime keeps of a container. */
export type RuntimeState = Pick<ShimContainer, "delete">;

/** Takes down what a run needed, as far as it was there: never fails, and what failed is in the log. Runs beside what the user waits for. */
export async function takeDownRun(
  context: ContainerContext,
  entry: ContainerEntry,
  state: RuntimeState | undefined,
): Promise<void> {
  const { id } = entry;
  const attempt = async (what: string, action: () => Promise<void> | undefined): Promise<boolean> => {
    try {
      await action();
      return true;
    } catch (error) {
      context.log.warn({ container: id, error: errorMessage(error) }, `${what} of an ended container could not be taken down`);
      return false;
    }
  };
  const [isDeleted] = await Promise.all([
    attempt("runtime state", () => state?.delete()),
    attempt("network", () => context.networks.release(id)),
  ]);
  await attempt("root file system", () => context.images.unmountRootfs(id));
  const { mounts } = entry.record;
  for (const { rootfsId } of imagesIn(mounts)) await attempt("image", () => context.images.unmountRootfs(rootfsId));
  for (const { name } of volumesIn(mounts)) await attempt("volume", () => context.volumes.unmount(name, id));
  // It tells the next start, of the container or the daemon, that there is something left to take away.
  if (isDeleted) await attempt("bundle", () => removeBundle(context, id));
}
