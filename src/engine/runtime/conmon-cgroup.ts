import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import type { Log } from "../../ports/log.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";

/**
 * A service manager that stops the daemon ends, and charges to it, what is in the daemon's cgroup; conmons must outlive it. Where the
 * daemon lives in the root there is nothing to leave.
 *
 * @returns the files to which a conmon's pid is written.
 */
export async function prepareConmonCgroup(path: string, { log }: { readonly log: Log }): Promise<readonly string[]> {
  const text = await readFile("/proc/self/cgroup", "utf8");
  const files: string[] = [];
  for (const line of text.trim().split("\n")) {
    const [, controllers = "", own = "/"] = line.split(":");
    // A new cpuset takes no process before it has processors and memory nodes; it limits nobody's life.
    if (own === "/" || controllers === "cpuset") continue;
    const hierarchy = controllers === "" ? CGROUP_ROOT : join(CGROUP_ROOT, controllers.replace(/^name=/, ""));
    const directory = join(hierarchy, path);
    try {
      await mkdir(directory, { recursive: true });
      files.push(join(directory, "cgroup.procs"));
    } catch (error) {
      log.warn(
        { directory, error: errnoCode(error) },
        "no cgroup for conmons here: they stay in the daemon's and end with its service",
      );
    }
  }
  return files;
}
