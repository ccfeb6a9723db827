import type { HealthState } from "../../model/container.ts";

const PROBES_KEPT = 5;

export interface ProbeResult {
  readonly startAtMs: number;
  readonly endAtMs: number;
  /** 0: well. -1: it could not be made, or took too long. */
  readonly exitCode: number;
  readonly output: string;
}

/** As it is when a container starts. What earlier runs' probes found is kept. */
export function healthAtStart(before: HealthState | undefined): HealthState {
  return { status: "starting", failingStreak: 0, log: before?.log ?? [] };
}

/** The state after one more probe. A failure while the container starts up does not count. */
export function healthAfter(
  before: HealthState,
  { probe, retries, isStarting }: { readonly probe: ProbeResult; readonly retries: number; readonly isStarting: boolean },
): HealthState {
  const log = [...before.log, probe].slice(-PROBES_KEPT);
  if (probe.exitCode === 0) return { status: "healthy", failingStreak: 0, log };
  if (before.status === "starting" && isStarting) return { ...before, log };
  const failingStreak = before.failingStreak + 1;
  return { status: failingStreak >= retries ? "unhealthy" : before.status, failingStreak, log };
}

/** Nobody looks any more: Docker's clients are told "unhealthy" then. */
export function healthUnwatched(before: HealthState | undefined): { readonly health?: HealthState } {
  return before === undefined || before.status === "none" ? {} : { health: { ...before, status: "unhealthy" } };
}
