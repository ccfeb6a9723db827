import { errorMessage, OperationError } from "../../lib/errors.ts";
import { CHANGEABLE_RESOURCES, type HostConfig } from "../../model/container.ts";
import { type ContainerContext, publish } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import { hasProcess } from "./record.ts";
import { checkRestartPolicy } from "./settle-host-config.ts";

const CHANGEABLE: ReadonlySet<string> = new Set(["restartPolicy", ...CHANGEABLE_RESOURCES]);

/** Takes new limits over into the running container, then keeps them. @returns warnings. */
export async function updateContainer(
  context: ContainerContext,
  entry: ContainerEntry,
  changes: Partial<HostConfig>,
): Promise<readonly string[]> {
  if (entry.isRemoving) throw cannot(entry, 'Container is marked for removal and cannot be "update".');
  const given: Partial<HostConfig> = Object.fromEntries(
    Object.entries(changes).filter(([key, value]) => CHANGEABLE.has(key) && isGiven(key, value)),
  );
  const before = entry.record.container;
  if (given.restartPolicy !== undefined) checkRestartPolicy(given.restartPolicy);
  const { warnings, discarded } = context.specs.checkUpdate(given);
  const kept = withoutKeys(given, discarded);
  checkAgainst(entry, kept);
  const hostConfig = { ...before.hostConfig, ...kept };
  const isResourceChange = Object.keys(kept).some(key => key !== "restartPolicy");
  if (isResourceChange && entry.run !== undefined && hasProcess(entry.state)) {
    try {
      await entry.run.shim.update(await context.specs.resources(hostConfig));
    } catch (error) {
      // Docker tells of one that the kernel refused too.
      publish(context, entry, { action: "update" });
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
  // A limit of processes is lifted by 0 or -1.
  if (key === "pidsLimit" || key === "memorySwappiness") return value !== undefined;
  return value !== undefined && value !== 0 && value !== "" && !(Array.isArray(value) && value.length === 0);
}

function withoutKeys(given: Partial<HostConfig>, keys: readonly string[]): Partial<HostConfig> {
  const kept: Partial<HostConfig> = Object.fromEntries(Object.entries(given).filter(([key]) => !keys.includes(key)));
  // -1 and 0 both lift the limit of processes, and are kept as one.
  return kept.pidsLimit === undefined ? kept : { ...kept, pidsLimit: Math.max(0, kept.pidsLimit) };
}

/** What clashes with what the container has. @throws OperationError `conflict` in Docker's words. @see moby container/container_unix.go UpdateContainer. */
function checkAgainst(entry: ContainerEntry, given: Partial<HostConfig>): void {
  const { hostConfig: had } = entry.record.container;
  const { nanoCpus = 0, cpuPeriodUs = 0, cpuQuotaUs = 0, memoryBytes = 0, memorySwapBytes = 0 } = given;
  const refuseIf = (isWrong: boolean, reason: string) => {
    if (isWrong) throw cannot(entry, reason);
  };
  const clash = (what: string, other: string) =>
    `Conflicting options: ${what} cannot be updated as ${other} has already been set`;
  refuseIf(nanoCpus > 0 && had.cpuPeriodUs > 0, clash("Nano CPUs", "CPU Period"));
  refuseIf(nanoCpus > 0 && had.cpuQuotaUs > 0, clash("Nano CPUs", "CPU Quota"));
  refuseIf(cpuPeriodUs > 0 && had.nanoCpus > 0, clash("CPU Period", "NanoCPUs"));
  refuseIf(cpuQuotaUs > 0 && had.nanoCpus > 0, clash("CPU Quota", "NanoCPUs"));
  refuseIf(
    memoryBytes > had.memorySwapBytes && memorySwapBytes === 0 && memoryBytes > 0,
    "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
  );
  const isRestarting = given.restartPolicy !== undefined && given.restartPolicy.name !== "no";
  refuseIf(had.autoRemove && isRestarting, "Restart policy cannot be updated because AutoRemove is enabled for the container");
}

function cannot({ id }: ContainerEntry, reason: string, cause?: unknown): OperationError {
  return new OperationError(cause === undefined ? "conflict" : "internal", `Cannot update container ${id}: ${reason}`, { cause });
}
