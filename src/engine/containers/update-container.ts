import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { HostConfig } from "../../model/container.ts";
import { type ContainerContext, publish } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import { hasProcess } from "./record.ts";
import { checkRestartPolicy } from "./settle-host-config.ts";

/** What `docker update` can change. */
const CHANGEABLE = new Set<string>([
  "blkioWeight",
  "cpuShares",
  "cpuPeriodUs",
  "cpuQuotaUs",
  "cpuRealtimePeriodUs",
  "cpuRealtimeRuntimeUs",
  "cpusetCpus",
  "cpusetMems",
  "memoryBytes",
  "memoryReservationBytes",
  "memorySwapBytes",
  "nanoCpus",
  "pidsLimit",
  "restartPolicy",
]);

/** Takes new limits over into the running container, then keeps them. @returns warnings. */
export async function updateContainer(
  context: ContainerContext,
  entry: ContainerEntry,
  changes: Partial<HostConfig>,
): Promise<readonly string[]> {
  if (entry.isRemoving) throw cannot(entry, 'Container is marked for removal and cannot be "update".');
  const given = Object.fromEntries(Object.entries(changes).filter(([key, value]) => CHANGEABLE.has(key) && isGiven(key, value)));
  const before = entry.record.container;
  const hostConfig = withChanges(entry, given);
  if (changes.restartPolicy !== undefined && changes.restartPolicy.name !== "") {
    checkRestartPolicy(changes.restartPolicy);
    if (before.hostConfig.autoRemove && changes.restartPolicy.name !== "no") {
      throw new OperationError("invalid", "Restart policy cannot be updated because AutoRemove is enabled for the container");
    }
  }
  checkMemory(before.hostConfig, hostConfig);
  const warnings = context.specs.check({ config: before.config, hostConfig });
  const isResourceChange = Object.keys(given).some(key => key !== "restartPolicy");
  if (isResourceChange && entry.run !== undefined && hasProcess(entry.state)) {
    try {
      await entry.run.shim.update(context.specs.resources(hostConfig));
    } catch (error) {
      throw cannot(entry, errorMessage(error), error);
    }
  }
  await context.store.change(entry, record => ({ ...record, container: { ...record.container, hostConfig } }));
  publish(context, entry, { action: "update" });
  return warnings;
}

/** Zero and "" mean: as it was. */
function isGiven(key: string, value: unknown): boolean {
  if (key === "restartPolicy") return typeof value === "object" && value !== null && "name" in value && value.name !== "";
  return value !== undefined && value !== 0 && value !== "";
}

/** Quota and nanoCPUs are two ways of saying one thing: the new one wins. */
function withChanges(entry: ContainerEntry, given: Partial<HostConfig>): HostConfig {
  const before = entry.record.container.hostConfig;
  const isPeriodSet = before.cpuPeriodUs > 0;
  if (given.nanoCpus !== undefined && (isPeriodSet || (given.cpuQuotaUs ?? before.cpuQuotaUs) > 0)) {
    const what = isPeriodSet ? "Period" : "Quota";
    throw cannot(entry, `Conflicting options: Nano CPUs cannot be updated as CPU ${what} has already been set`);
  }
  if (before.nanoCpus > 0) {
    const { cpuPeriodUs, cpuQuotaUs } = given;
    const what = cpuPeriodUs !== undefined ? "Period" : cpuQuotaUs !== undefined ? "Quota" : undefined;
    if (what !== undefined)
      throw cannot(entry, `Conflicting options: CPU ${what} cannot be updated as NanoCPUs has already been set`);
  }
  return { ...before, ...given };
}

function checkMemory(before: HostConfig, after: HostConfig): void {
  if (after.memorySwapBytes > 0 && after.memoryBytes > after.memorySwapBytes && after.memoryBytes !== before.memoryBytes) {
    throw new OperationError(
      "conflict",
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    );
  }
}

function cannot({ id }: ContainerEntry, reason: string, cause?: unknown): OperationError {
  return new OperationError(cause === undefined ? "conflict" : "internal", `Cannot update container ${id}: ${reason}`, { cause });
}
