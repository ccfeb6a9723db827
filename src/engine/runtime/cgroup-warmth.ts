import { type FileHandle, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseCgroupPaths } from "./cgroups.ts";

/**
 * The kernel lets a process into another cgroup only after a grace period (12 ms measured), unless one has just passed for another move.
 * So as soon as it is likely that a process will be started, this process moves to where it is: that changes nothing, and the wait goes on
 * beside the work that comes first. @see rcu_sync_enter in kernel/rcu/sync.c
 */
export class CgroupWarmth {
  readonly #procsFile: string | undefined;
  /** Kept open from the first move on. */
  #file: FileHandle | undefined;
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
    void this.#move(this.#procsFile)
      .catch(() => this.#close())
      .finally(() => (this.#isMoving = false));
  }

  async #move(path: string): Promise<void> {
    this.#file ??= await open(path, "r+");
    await this.#file.write(String(process.pid), 0);
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined); // It was no use already.
  }
}
