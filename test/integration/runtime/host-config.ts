import { EMPTY_CONTAINER_CONFIG, EMPTY_HOST_CONFIG } from "../../../src/model/empty-config.ts";
import type { ContainerConfig, HostConfig } from "../../../src/model/container.ts";

/** Nothing asked for. */
export function aHostConfig(over: Partial<HostConfig> = {}): HostConfig {
  return { ...EMPTY_HOST_CONFIG, logConfig: { type: "json-file", options: {} }, networkMode: "none", ...over };
}

export function aContainerConfig(over: Partial<ContainerConfig> = {}): ContainerConfig {
  return { ...EMPTY_CONTAINER_CONFIG, hostname: "box", image: "busybox", ...over };
}
