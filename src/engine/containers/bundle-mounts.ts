import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import { rootOnHost } from "../../model/id-map.ts";
import type { ContainerId } from "../../model/ids.ts";
import { failpoint } from "../../ports/failpoint.ts";
import { bundleOf, type ContainerContext } from "./context.ts";
import { removeFolder } from "../runtime/remove-folder.ts";

type BundleContext = Pick<ContainerContext, "execRoot" | "exec" | "idMap">;

/** Of what is mounted for a run, outside the container. */
const FOLDER = "mounts";

/** Where a container's shared memory is when others may join it. */
export function sharedMemoryPath(context: Pick<BundleContext, "execRoot">, id: ContainerId): string {
  return join(bundleOf(context, id), FOLDER, "shm");
}

/** Shared memory outside the container, so that it can be mounted in others too. */
export async function mountSharedMemory(
  context: BundleContext,
  { id, sizeBytes }: { readonly id: ContainerId; readonly sizeBytes: number },
): Promise<void> {
  const target = sharedMemoryPath(context, id);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const { uid, gid } = rootOnHost(context.idMap);
  const owner = uid === 0 && gid === 0 ? "" : `,uid=${uid},gid=${gid}`;
  const options = `nosuid,nodev,noexec,mode=1777,size=${sizeBytes}${owner}`;
  await failpoint("containers/shared-memory.spawn", () =>
    context.exec.run("mount", ["-t", "tmpfs", "-o", options, "shm", target]),
  );
}

/** A bundle and what is mounted in it; safe when there is none. */
export async function removeBundle(context: BundleContext, id: ContainerId): Promise<void> {
  const bundle = bundleOf(context, id);
  const files = await namesIn(bundle);
  const folder = join(bundle, FOLDER);
  const names = files.includes(FOLDER) ? await namesIn(folder) : [];
  const mounted = names.length === 0 ? "" : await readFile("/proc/self/mountinfo", "utf8");
  for (const target of names.map(name => join(folder, name))) {
    if (!mounted.includes(` ${target} `)) continue;
    await failpoint("containers/shared-memory-end.spawn", () => context.exec.run("umount", [target]));
  }
  await removeFolder(bundle, files);
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  }
}
