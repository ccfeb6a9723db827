import type { HostConfig } from "../../model/container.ts";
import { hostConfig } from "../wire/host-config.ts";
import { checkResources } from "./resources.ts";
import { checkRestartPolicy } from "./restart-policy.ts";

/** What `docker update` may change of a running container. */
const CHANGEABLE: readonly (keyof HostConfig)[] = [
  "restartPolicy",
  "cpuShares",
  "memoryBytes",
  "nanoCpus",
  "blkioWeight",
  "cpuPeriodUs",
  "cpuQuotaUs",
  "cpuRealtimePeriodUs",
  "cpuRealtimeRuntimeUs",
  "cpusetCpus",
  "cpusetMems",
  "memoryReservationBytes",
  "memorySwapBytes",
  "pidsLimit",
];

/**
 * Clients send every field, and the zero value means "leave it", as in Docker.
 *
 * @throws OperationError `invalid`.
 */
export function validateUpdate(body: Partial<HostConfig>): Partial<HostConfig> {
  const none = hostConfig.read(undefined);
  const isSet = (key: keyof HostConfig) => body[key] !== undefined && JSON.stringify(body[key]) !== JSON.stringify(none[key]);
  const changes = Object.fromEntries(CHANGEABLE.filter(isSet).map(key => [key, body[key]])) as Partial<HostConfig>;
  if (changes.restartPolicy !== undefined) checkRestartPolicy(changes.restartPolicy);
  // Swap alone is right here: the memory limit that it adds to may be set already.
  checkResources({ ...none, memoryBytes: Math.max(changes.memorySwapBytes ?? 0, 0), ...changes });
  return changes;
}
