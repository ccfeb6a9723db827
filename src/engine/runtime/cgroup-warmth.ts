import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseCgroupPaths } from "./cgroups.ts";

/**
 * The kernel lets a process into another cgroup only after a grace period (12 ms measured), unless one has just passed for another move.
 * So as soon as it is known that a process will be started, this process moves to where it is: that changes nothing, and the wait goes on
 * beside the work that comes first. @see rcu_sync_enter in kernel/rcu/sync.c
 */
export class CgroupWarmth {
  readonly #procsFile: string | undefined;
  #isMoving = false;

  private constructor(procsFile: string | undefined) {
    this.#procsFile = procsFile;
  }

  static async create(): Promise<CgroupWarmth> {
    const paths = parseCgroupPaths(await readFile("/proc/self/cgroup", "utf8").catch(() => ""));
    return new CgroupWarmth(paths === undefined ? undefined : join(paths.pids, "cgroup.procs"));
  }

  /** Returns at once. A move that fails only leaves the wait to whoever comes next. */
  warm(): void {
    if (this.#procsFile === undefined || this.#isMoving) return;
    this.#isMoving = true;
    void writeFile(this.#procsFile, String(process.pid), { flag: "r+" })
      .catch(() => undefined)
      .finally(() => (this.#isMoving = false));
  }
}
