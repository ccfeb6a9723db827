import type { RestartPolicy } from "../../model/container.ts";

/** @see moby restartmanager: 100 ms, doubled up to a minute; a run of ten seconds sets it back. */
export const RESTART_DELAY_MIN_MS = 100;
export const RESTART_DELAY_MAX_MS = 60_000;
const STEADY_RUN_MS = 10_000;

export interface EndedRun {
  readonly exitCode: number;
  readonly restartCount: number;
  readonly isStoppedByUser: boolean;
}

/** Whether a container whose process ended is started again. */
export function shouldRestart(policy: RestartPolicy, { exitCode, restartCount, isStoppedByUser }: EndedRun): boolean {
  if (isStoppedByUser) return false;
  switch (policy.name) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return exitCode !== 0 && (policy.maximumRetryCount === 0 || restartCount < policy.maximumRetryCount);
    default:
      return false;
  }
}

/** Whether a container that does not run is started when the daemon starts: `always` also if the user had stopped it. */
export function shouldStartWithDaemon(policy: RestartPolicy, run: EndedRun): boolean {
  return policy.name === "always" || shouldRestart(policy, run);
}

export function nextRestartDelayMs(previousMs: number, ranForMs: number): number {
  if (previousMs === 0 || ranForMs >= STEADY_RUN_MS) return RESTART_DELAY_MIN_MS;
  return Math.min(previousMs * 2, RESTART_DELAY_MAX_MS);
}
