import { createHash } from "node:crypto";
import type { ImageConfig } from "../../model/image.ts";

/**
 * What a step is known by: the settings it is run with, its own command among them. The same step on the same image makes the same, so
 * what it made before is taken.
 * @see moby image/cache/compare.go for what counts.
 */
export function stepKey(config: ImageConfig, command: readonly string[]): string {
  const {
    user,
    env,
    entrypoint = [],
    volumes,
    workingDir,
    labels,
    stopSignal = "",
    exposedPorts,
    healthcheck,
    shell = [],
    onBuild = [],
  } = config;
  const { test = [], intervalNs = 0, timeoutNs = 0, startPeriodNs = 0, startIntervalNs = 0, retries = 0 } = healthcheck ?? {};
  const check = healthcheck === undefined ? null : [test, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries];
  const named = Object.entries(labels).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const all = [
    ...[command, env, entrypoint, shell, onBuild, user, workingDir, stopSignal, check, named],
    ...[volumes.toSorted(), exposedPorts.toSorted()],
  ];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}
