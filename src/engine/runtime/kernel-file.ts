import { readFileSync } from "node:fs";
import { errnoCode } from "../../lib/errors.ts";

/** How the kernel says that a process, a cgroup or a file is not there, or no longer. */
const GONE: readonly (string | undefined)[] = ["ENOENT", "ENOTDIR", "ESRCH", "ENODEV"];

/**
 * A small file of /proc or a cgroup, which the kernel makes up when it is read: there is no disk to wait for, and the thread pool
 * would take ten times as long. `undefined` when it is not there, or no longer.
 * @throws Error where it may be there: this process may have no file left to open it with, which says nothing about containers.
 */
export function readKernelFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return ifGone(undefined)(error);
  }
}

/** For what rejects: `value` where it is not there. Any other error goes on. */
export function ifGone<T>(value: T): (error: unknown) => T {
  return error => {
    if (!GONE.includes(errnoCode(error))) throw error;
    return value;
  };
}
