import { rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ContainerId } from "../../model/ids.ts";
import { failpoint } from "../../ports/failpoint.ts";
import { removeFolder } from "./remove-folder.ts";
import type { CgroupPaths } from "./cgroups.ts";
import type { OciRuntime } from "./runtime-command.ts";

/** What crun keeps of a container that was started. */
const STATE_FILES = ["config.json", "status"];

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
    await removeFolder(join(rootPath, id), STATE_FILES);
    return true;
  });
}

/** Whatever stands in the way, the runtime finds it too: it ends what is left in there, or says why it cannot. */
async function isRemoved(path: string): Promise<boolean> {
  return rmdir(path).then(
    () => true,
    () => false,
  );
}
