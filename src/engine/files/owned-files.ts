import { chmod, chown, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type IdMap, type Owner, rootOnHost } from "../../model/id-map.ts";

/** Makes a folder and those above it; what is made is given to `owner`. No error where it is there. */
export async function makeFolders(path: string, { uid, gid }: Owner): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined || (uid === 0 && gid === 0)) return;
  for (let made = path; ; made = dirname(made)) {
    await chown(made, uid, gid);
    if (made === first || made === dirname(made)) return;
  }
}

/** To containers' root, where that is not the host's. */
export async function giveToContainers(idMap: IdMap | undefined, paths: readonly string[]): Promise<void> {
  if (idMap === undefined) return;
  const { uid, gid } = rootOnHost(idMap);
  await Promise.all(paths.map(path => chown(path, uid, gid)));
}

/** By its group, which containers' root is then in: what is below can be reached, and nothing can be listed or changed. */
export async function letContainersPass(idMap: IdMap | undefined, path: string): Promise<void> {
  if (idMap !== undefined) await chown(path, process.getuid?.() ?? 0, rootOnHost(idMap).gid);
}

/**
 * Lets whoever runs in a container open its standard streams anew, as programs do by /dev/stdout: its pipes are the host's, and nobody
 * in its user namespace can be given them.
 */
export async function openStreams(pid: number): Promise<void> {
  for (const fd of [0, 1, 2]) {
    const path = `/proc/${pid}/fd/${fd}`;
    if ((await stat(path)).isFIFO()) await chmod(path, 0o666);
  }
}
