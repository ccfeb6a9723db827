import type { Ulimit } from "../../model/cluster.ts";
import type { HostConfig, LogConfig } from "../../model/container.ts";

/** What a container gets that its creator left open; the administrator's to choose. */
export interface ContainerDefaults {
  readonly shmSizeBytes: number;
  readonly ipcMode: string;
  /** "": by the version of the host's cgroups. */
  readonly cgroupnsMode: string;
  readonly logConfig: LogConfig;
  /** Of the stop signal, before the kill. */
  readonly stopTimeoutSeconds: number;
  readonly init: boolean;
  readonly noNewPrivileges: boolean;
  readonly ulimits: readonly Ulimit[];
}

/** As Docker's, where daemon.json says nothing. */
export const CONTAINER_DEFAULTS: ContainerDefaults = {
  shmSizeBytes: 64 * 1024 * 1024,
  ipcMode: "private",
  cgroupnsMode: "",
  logConfig: { type: "json-file", options: {} },
  stopTimeoutSeconds: 10,
  init: false,
  noNewPrivileges: false,
  ulimits: [],
};

/**
 * The container's own driver, or the host's with its options; an option that the container gives itself comes first. How what is sent elsewhere is
 * kept for reading is the host's to say for any driver.
 */
export function withLogDefaults(asked: LogConfig, defaults: LogConfig): LogConfig {
  const type = asked.type || defaults.type;
  const inherited = Object.entries(defaults.options).filter(([name]) => type === defaults.type || name.startsWith("cache-"));
  return { type, options: { ...Object.fromEntries(inherited), ...asked.options } };
}

/** What its process gets: these defaults are the host's at each start, and inspect does not show them. */
export function withProcessDefaults(hostConfig: HostConfig, { init, noNewPrivileges, ulimits }: ContainerDefaults): HostConfig {
  const own = new Set(hostConfig.ulimits.map(({ name }) => name));
  const saysPrivileges = hostConfig.securityOpt.some(option => option.startsWith("no-new-privileges"));
  return {
    ...hostConfig,
    init: hostConfig.init ?? init,
    ulimits: [...hostConfig.ulimits, ...ulimits.filter(({ name }) => !own.has(name))],
    securityOpt: noNewPrivileges && !saysPrivileges ? [...hostConfig.securityOpt, "no-new-privileges"] : hostConfig.securityOpt,
  };
}
