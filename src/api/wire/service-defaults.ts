import type { RestartSpec, ServiceSpec, UpdateConfig } from "../../model/cluster.ts";

const SECOND_NS = 1_000_000_000;
const STOP_GRACE_PERIOD_NS = 10 * SECOND_NS;
const RESTART = { condition: "any", delayNs: 5 * SECOND_NS, maxAttempts: 0 } as const satisfies RestartSpec;
const MONITOR_NS = 5 * SECOND_NS;
const UPDATE = {
  parallelism: 1,
  delayNs: 0,
  failureAction: "pause",
  monitorNs: MONITOR_NS,
  maxFailureRatio: 0,
  order: "stop-first",
} as const satisfies UpdateConfig;

/**
 * With what holds where the user has said nothing, for `?insertDefaults=true`.
 *
 * @see moby/swarmkit api/defaults/service.go
 */
export function withServiceDefaults(spec: ServiceSpec): ServiceSpec {
  const { task } = spec;
  const { container, restart } = task;
  return {
    ...spec,
    task: {
      ...task,
      container: {
        ...container,
        stopGracePeriodNs: container.stopGracePeriodNs ?? STOP_GRACE_PERIOD_NS,
        dns: container.dns ?? { nameservers: [], search: [], options: [] },
      },
      resources: task.resources ?? {},
      restart: restart === undefined ? RESTART : { ...restart, delayNs: restart.delayNs ?? RESTART.delayNs },
      placement: task.placement ?? {},
    },
    update: withMonitor(spec.update),
    rollback: withMonitor(spec.rollback),
  };
}

function withMonitor(config: UpdateConfig | undefined): UpdateConfig {
  return config === undefined ? UPDATE : { ...config, monitorNs: config.monitorNs ?? MONITOR_NS };
}
