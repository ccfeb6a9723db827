import { rm, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ContainerId } from "../../model/ids.ts";
import { failpoint } from "../../ports/failpoint.ts";
import { isThere } from "../files/is-there.ts";
import { removeFolder } from "./remove-folder.ts";
import type { CgroupPaths } from "./cgroups.ts";
import type { OciRuntime } from "./runtime-command.ts";

/** What crun keeps of a container that was started. It finds no fault with a folder that lacks the status, but with one that lacks the other. */
const STATUS = "status";
const CONFIG = "config.json";

/**
 * Takes away what crun keeps of a container that has ended, as `crun delete` does, without a program of its own for it: its cgroups and the
 * folder of its state. Its cgroups are those that bear its name, as they were before it could move on. @see libcrun_container_delete in crun
 *
 * @returns false when the runtime has to do it after all: another one, or something is still in the cgroups.
 */
export async function deleteByHand(
  { kind, rootPath }: OciRuntime,
  { id, cgroups }: { readonly id: ContainerId; readonly cgroups: CgroupPaths | undefined },
): Promise<boolean> {
  const own = cgroups?.all.filter(path => basename(path) === id) ?? [];
  if (kind !== "crun" || own.length === 0) return false;
  return failpoint("runtime/delete.spawn", async () => {
    for (const path of own) if (!(await isRemoved(path))) return false;
    const state = join(rootPath, id);
    await rm(join(state, STATUS), { force: true });
    await removeFolder(state, [CONFIG]);
    return true;
  });
}

/** What is left of a container whose deletion was cut short, after its processes and cgroups were gone: crun cannot load it any more. */
export async function finishDelete({ kind, rootPath }: OciRuntime, id: ContainerId): Promise<void> {
  if (kind !== "crun") return;
  const state = join(rootPath, id);
  if ((await isThere(join(state, STATUS))) && !(await isThere(join(state, CONFIG)))) await removeFolder(state);
}

/** Whatever stands in the way, the runtime finds it too: it ends what is left in there, or says why it cannot. */
async function isRemoved(path: string): Promise<boolean> {
  return rmdir(path).then(
    () => true,
    () => false,
  );
}
