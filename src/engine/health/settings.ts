import type { ContainerConfig } from "../../model/container.ts";
import { type HealthTest, parseHealthTest } from "../../model/health-test.ts";

const MS_PER_NS = 1e-6;
const INTERVAL_MS = 30_000;
const TIMEOUT_MS = 30_000;
const START_INTERVAL_MS = 5000;
const RETRIES = 3;
const SHELL = ["/bin/sh", "-c"];

export type HealthProbe =
  | { readonly kind: "exec"; readonly command: readonly string[] }
  | Extract<HealthTest, { readonly kind: "http" | "tcp" }>;

export interface HealthSettings {
  readonly probe: HealthProbe;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
}

/** `undefined`: the container has no check. */
export function healthSettings({
  healthcheck,
  shell,
}: Pick<ContainerConfig, "healthcheck" | "shell">): HealthSettings | undefined {
  const test = parseHealthTest(healthcheck?.test);
  if (test === undefined) return undefined;
  const ms = (ns: number | undefined, fallback: number) => (ns === undefined || ns === 0 ? fallback : ns * MS_PER_NS);
  return {
    probe: probeOf(test, shell),
    intervalMs: ms(healthcheck?.intervalNs, INTERVAL_MS),
    timeoutMs: ms(healthcheck?.timeoutNs, TIMEOUT_MS),
    startPeriodMs: ms(healthcheck?.startPeriodNs, 0),
    startIntervalMs: ms(healthcheck?.startIntervalNs, START_INTERVAL_MS),
    retries: healthcheck?.retries || RETRIES,
  };
}

function probeOf(test: HealthTest, shell: readonly string[] = SHELL): HealthProbe {
  if (test.kind !== "exec") return test;
  return { kind: "exec", command: test.isShell ? [...shell, ...test.command] : test.command };
}
