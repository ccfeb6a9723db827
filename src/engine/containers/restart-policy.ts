import type { RestartPolicy } from "../../model/container.ts";

/** @see moby restartmanager: 100 ms, doubled up to a minute; a run of ten seconds sets it back. */
export const RESTART_DELAY_MIN_MS = 100;
export const RESTART_DELAY_MAX_MS = 60_000;
const STEADY_RUN_MS = 10_000;

export interface EndedRun {
  readonly exitCode: number;
  readonly restartCount: number;
  /** The user sent it a signal at some time since it was started. */
  readonly isStoppedByUser: boolean;
  /** One of those was to end it: no policy starts it again before the next daemon. */
  readonly isCancelled: boolean;
}

/** Whether a container whose process ended is started again. */
export function shouldRestart(
  policy: RestartPolicy,
  { exitCode, restartCount, isStoppedByUser, isCancelled }: EndedRun,
): boolean {
  if (isCancelled) return false;
  switch (policy.name) {
    case "always":
      return true;
    case "unless-stopped":
      return !isStoppedByUser;
    case "on-failure":
      return exitCode !== 0 && (policy.maximumRetryCount === 0 || restartCount < policy.maximumRetryCount);
    default:
      return false;
  }
}

/** Whether a container that was ended because it was unhealthy is started again: whatever its policy, but for the limit that it may set. */
export function shouldRestartUnhealthy({ name, maximumRetryCount }: RestartPolicy, restartCount: number): boolean {
  return name !== "on-failure" || maximumRetryCount === 0 || restartCount < maximumRetryCount;
}

/** Whether a container that does not run is started when the daemon starts: but for `unless-stopped`, also if the user had stopped it. */
export function shouldStartWithDaemon(policy: RestartPolicy, run: Omit<EndedRun, "isCancelled">): boolean {
  return shouldRestart(policy, { ...run, isCancelled: false });
}

export function nextRestartDelayMs(previousMs: number, ranForMs: number): number {
  if (previousMs === 0 || ranForMs >= STEADY_RUN_MS) return RESTART_DELAY_MIN_MS;
  return Math.min(previousMs * 2, RESTART_DELAY_MAX_MS);
}
