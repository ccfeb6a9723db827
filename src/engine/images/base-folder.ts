import { chmod, lchown, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import { type IdMap, rootOnHost } from "../../model/id-map.ts";

const MODE = 0o755;
const FOLDERS = ["", "dev", "dev/pts", "dev/shm", "etc", "proc", "sys"];
/** Programs tell by the first that they run in a container; on the others something is mounted. */
const FILES = [".dockerenv", "dev/console", "etc/hosts", "etc/hostname", "etc/resolv.conf"];
const LINK = "etc/mtab";

/**
 * What a container has that its image does not bring: the lowest of its layers, so that what the image has wins.
 * @see moby daemon/initlayer.
 */
export async function makeBaseFolder(path: string, idMap?: IdMap): Promise<void> {
  for (const name of FOLDERS) {
    await mkdir(join(path, name), { recursive: true });
    await chmod(join(path, name), MODE); // Whatever this process's umask is.
  }
  for (const name of FILES) {
    await writeFile(join(path, name), "");
    await chmod(join(path, name), MODE);
  }
  await symlink("/proc/mounts", join(path, LINK)).catch((error: unknown) => {
    if (errnoCode(error) !== "EEXIST") throw error;
  });
  if (idMap === undefined) return;
  const { uid, gid } = rootOnHost(idMap);
  for (const name of [...FOLDERS, ...FILES, LINK]) await lchown(join(path, name), uid, gid);
}
