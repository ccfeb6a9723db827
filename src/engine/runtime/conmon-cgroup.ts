import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const CGROUP_ROOT = "/sys/fs/cgroup";

/**
 * A service manager that stops the daemon ends, and charges to it, what is in the daemon's cgroup; conmons must outlive it. Where the
 * daemon lives in the root there is nothing to leave.
 *
 * @returns the files to which a conmon's pid is written.
 */
export async function prepareConmonCgroup(path: string): Promise<readonly string[]> {
  const text = await readFile("/proc/self/cgroup", "utf8");
  const files: string[] = [];
  for (const line of text.trim().split("\n")) {
    const [, controllers = "", own = "/"] = line.split(":");
    if (own === "/") continue;
    const hierarchy = controllers === "" ? CGROUP_ROOT : join(CGROUP_ROOT, controllers.replace(/^name=/, ""));
    const directory = join(hierarchy, path);
    const isMade = await mkdir(directory, { recursive: true }).then(
      () => true,
      () => false,
    );
    if (isMade) files.push(join(directory, "cgroup.procs"));
  }
  return files;
}
