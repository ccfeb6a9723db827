import type { RestartSpec, Task } from "../../model/cluster.ts";
import { hasEndedByItself } from "./instance.ts";

const NS_PER_MS = 1_000_000;
/** @see SwarmKit api/defaults/service.go */
const DELAY_DEFAULT_MS = 5_000;

export function restartDelayMs(restart: RestartSpec | undefined): number {
  return restart?.delayNs === undefined ? DELAY_DEFAULT_MS : restart.delayNs / NS_PER_MS;
}

/** How many ended tasks of an instance must be kept for `mayRestart` to count them. */
export function attemptsToRemember(restart: RestartSpec | undefined): number {
  return restart?.maxAttempts ?? 0;
}

/**
 * Whether a task that ended, or lost its node, gets a successor.
 *
 * Attempts are counted from the tasks of the same revision that are still kept, so a new leader counts the same.
 * @param earlier - The other tasks of its instance.
 */
export function mayRestart(
  task: Task,
  options: { readonly restart: RestartSpec | undefined; readonly earlier: readonly Task[]; readonly nowMs: number },
): boolean {
  const { restart, earlier, nowMs } = options;
  const condition = restart?.condition ?? "any";
  if (condition === "none") return false;
  if (condition === "on-failure" && task.status.state === "complete") return false;
  const maxAttempts = restart?.maxAttempts ?? 0;
  if (maxAttempts === 0) return true;
  const windowMs = (restart?.windowNs ?? 0) / NS_PER_MS;
  const attempts = earlier.filter(
    other =>
      other.revisionId === task.revisionId &&
      hasEndedByItself(other) &&
      (windowMs === 0 || nowMs - other.status.atMs <= windowMs),
  );
  return attempts.length < maxAttempts;
}
