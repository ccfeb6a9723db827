import type { Healthcheck } from "../../model/cluster.ts";
import type { ContainerConfig } from "../../model/container.ts";
import { parseHealthTest } from "../../model/health-test.ts";
import { refuseIf } from "./refuse.ts";
import { checkSignal } from "./signals.ts";

const HEALTH_DURATION_NS_MIN = 1_000_000;

export function checkContainerConfig(config: ContainerConfig): void {
  const { workingDir, env, stopSignal = "", stopTimeoutSeconds, healthcheck } = config;
  refuseIf(
    workingDir !== "" && !workingDir.startsWith("/"),
    `the working directory '${workingDir}' is invalid, it needs to be an absolute path`,
  );
  checkEnv(env);
  checkSignal(stopSignal);
  refuseIf(stopTimeoutSeconds !== undefined && stopTimeoutSeconds < -1, `invalid stop timeout: ${stopTimeoutSeconds}`);
  if (healthcheck !== undefined) checkHealthcheck(healthcheck);
}

export function checkEnv(env: readonly string[]): void {
  for (const variable of env) refuseIf(/^=|^$/.test(variable), `invalid environment variable: ${variable}`);
}

export function checkHealthcheck(check: Healthcheck): void {
  const durations = [
    ["Interval", check.intervalNs],
    ["Timeout", check.timeoutNs],
    ["StartPeriod", check.startPeriodNs],
    ["StartInterval", check.startIntervalNs],
  ] as const;
  for (const [name, ns] of durations) {
    const isShort = ns !== undefined && ns !== 0 && ns < HEALTH_DURATION_NS_MIN;
    refuseIf(isShort, `${name} in Healthcheck cannot be less than 1ms`);
  }
  refuseIf((check.retries ?? 0) < 0, "Retries in Healthcheck cannot be negative");
  parseHealthTest(check.test);
}
