import { readFileSync } from "node:fs";

/**
 * A small file of /proc or a cgroup, which the kernel makes up when it is read: there is no disk to wait for, and the thread pool
 * would take ten times as long. `undefined` when it is not there, or no longer.
 */
export function readKernelFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
