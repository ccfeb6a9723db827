import { OperationError } from "../../../lib/errors.ts";
import type { HostConfig, ThrottleDevice } from "../../../model/container.ts";
import type { DeviceNode, HostFacts } from "./facts.ts";
import type { OciResources, OciThrottle } from "./types.ts";

/** The part of HostConfig that `docker update` can change, and create can set. */
export type ResourceRequest = Pick<
  HostConfig,
  | "cpuShares"
  | "memoryBytes"
  | "nanoCpus"
  | "blkioWeight"
  | "blkioWeightDevice"
  | "blkioDeviceReadBps"
  | "blkioDeviceWriteBps"
  | "blkioDeviceReadIops"
  | "blkioDeviceWriteIops"
  | "cpuPeriodUs"
  | "cpuQuotaUs"
  | "cpuRealtimePeriodUs"
  | "cpuRealtimeRuntimeUs"
  | "cpusetCpus"
  | "cpusetMems"
  | "memoryReservationBytes"
  | "memorySwapBytes"
  | "memorySwappiness"
  | "oomKillDisable"
  | "pidsLimit"
>;

export interface ResourcePlan {
  readonly resources: OciResources;
  /** What the kernel here cannot do and Docker drops with a warning. */
  readonly warnings: readonly string[];
}

const CPU_PERIOD_US = 100_000;
const NANO = 1e9;

/** The limits as they are; that they make sense was checked by `checkResources`. */
export function planResources(
  request: ResourceRequest,
  context: { readonly facts: HostFacts; readonly nodes: readonly DeviceNode[] },
): ResourcePlan {
  const memory = planMemory(request, context.facts);
  const blockIo = planBlockIo(request, context);
  return {
    resources: {
      ...memory.resources,
      ...planCpu(request),
      ...planPids(request),
      ...blockIo.resources,
    },
    warnings: [...memory.warnings, ...blockIo.warnings],
  };
}

function planMemory(
  { memoryBytes, memoryReservationBytes, memorySwapBytes, memorySwappiness, oomKillDisable }: ResourceRequest,
  { cgroupVersion, hasSwapLimit, hasMemorySwappiness }: HostFacts,
): ResourcePlan {
  const warnings: string[] = [];
  // Docker's own rule: as much swap as memory, unless told.
  const swap = memorySwapBytes === 0 && memoryBytes > 0 ? memoryBytes * 2 : memorySwapBytes;
  const wantsSwap = swap !== 0 && memoryBytes > 0;
  const isSwappinessSet = memorySwappiness !== undefined && memorySwappiness !== -1;
  if (memorySwapBytes > 0 && !hasSwapLimit) {
    warnings.push(
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
  }
  if (isSwappinessSet && !hasMemorySwappiness) {
    warnings.push(
      "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
    );
  }
  if (oomKillDisable === true && cgroupVersion === 2) {
    warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
  }
  if (oomKillDisable === true && cgroupVersion === 1 && memoryBytes === 0) {
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  }
  const memory = {
    ...(memoryBytes > 0 ? { limit: memoryBytes } : {}),
    ...(memoryReservationBytes > 0 ? { reservation: memoryReservationBytes } : {}),
    ...(wantsSwap && hasSwapLimit ? { swap } : {}),
    ...(isSwappinessSet && hasMemorySwappiness ? { swappiness: memorySwappiness } : {}),
    ...(oomKillDisable === true && cgroupVersion === 1 ? { disableOOMKiller: true } : {}),
  };
  return { resources: Object.keys(memory).length === 0 ? {} : { memory }, warnings };
}

function planCpu(request: ResourceRequest): Pick<OciResources, "cpu"> {
  const { cpuShares, nanoCpus, cpuPeriodUs, cpuQuotaUs, cpuRealtimePeriodUs, cpuRealtimeRuntimeUs, cpusetCpus, cpusetMems } =
    request;
  const cpu = {
    ...(cpuShares > 0 ? { shares: Math.max(2, cpuShares) } : {}),
    ...(nanoCpus > 0
      ? { period: CPU_PERIOD_US, quota: Math.floor((nanoCpus * CPU_PERIOD_US) / NANO) }
      : { ...(cpuPeriodUs > 0 ? { period: cpuPeriodUs } : {}), ...(cpuQuotaUs === 0 ? {} : { quota: cpuQuotaUs }) }),
    ...(cpuRealtimePeriodUs > 0 ? { realtimePeriod: cpuRealtimePeriodUs } : {}),
    ...(cpuRealtimeRuntimeUs > 0 ? { realtimeRuntime: cpuRealtimeRuntimeUs } : {}),
    ...(cpusetCpus === "" ? {} : { cpus: cpusetCpus }),
    ...(cpusetMems === "" ? {} : { mems: cpusetMems }),
  };
  return Object.keys(cpu).length === 0 ? {} : { cpu };
}

/** 0 and -1 are "no limit" to Docker; the runtime is told only of a limit. */
function planPids({ pidsLimit }: ResourceRequest): Pick<OciResources, "pids"> {
  return pidsLimit !== undefined && pidsLimit > 0 ? { pids: { limit: pidsLimit } } : {};
}

function planBlockIo(
  request: ResourceRequest,
  { facts, nodes }: { readonly facts: HostFacts; readonly nodes: readonly DeviceNode[] },
): ResourcePlan {
  const throttles = (devices: readonly ThrottleDevice[]): readonly OciThrottle[] =>
    devices.map(({ path, rate }) => ({ ...numbersOf(path, nodes), rate }));
  const weights = () => ({
    ...(request.blkioWeight > 0 ? { weight: request.blkioWeight } : {}),
    ...(request.blkioWeightDevice.length > 0
      ? { weightDevice: request.blkioWeightDevice.map(({ path, weight }) => ({ ...numbersOf(path, nodes), weight })) }
      : {}),
  });
  const blockIO = {
    ...(facts.hasBlkioWeight ? weights() : {}),
    ...(request.blkioDeviceReadBps.length > 0 ? { throttleReadBpsDevice: throttles(request.blkioDeviceReadBps) } : {}),
    ...(request.blkioDeviceWriteBps.length > 0 ? { throttleWriteBpsDevice: throttles(request.blkioDeviceWriteBps) } : {}),
    ...(request.blkioDeviceReadIops.length > 0 ? { throttleReadIOPSDevice: throttles(request.blkioDeviceReadIops) } : {}),
    ...(request.blkioDeviceWriteIops.length > 0 ? { throttleWriteIOPSDevice: throttles(request.blkioDeviceWriteIops) } : {}),
  };
  return {
    resources: Object.keys(blockIO).length === 0 ? {} : { blockIO },
    warnings: facts.hasBlkioWeight ? [] : weightWarnings(request),
  };
}

function weightWarnings({ blkioWeight, blkioWeightDevice }: ResourceRequest): readonly string[] {
  const lacks = (what: string) => `Your kernel does not support Block I/O ${what} or the cgroup is not mounted.`;
  return [
    ...(blkioWeight > 0 ? [`${lacks("weight")} Weight discarded.`] : []),
    ...(blkioWeightDevice.length > 0 ? [`${lacks("weight_device")} Weight-device discarded.`] : []),
  ];
}

/** What was warned of: inspect does not show it as if it were in force. */
export function discardedResources(
  { memorySwappiness, oomKillDisable, blkioWeight = 0, blkioWeightDevice = [] }: Partial<ResourceRequest>,
  { hasMemorySwappiness, hasBlkioWeight, cgroupVersion }: HostFacts,
): readonly (keyof ResourceRequest)[] {
  return [
    ...(memorySwappiness !== undefined && !hasMemorySwappiness ? (["memorySwappiness"] as const) : []),
    ...(oomKillDisable === true && cgroupVersion === 2 ? (["oomKillDisable"] as const) : []),
    ...(blkioWeight > 0 && !hasBlkioWeight ? (["blkioWeight"] as const) : []),
    ...(blkioWeightDevice.length > 0 && !hasBlkioWeight ? (["blkioWeightDevice"] as const) : []),
  ];
}

function numbersOf(path: string, nodes: readonly DeviceNode[]): { readonly major: number; readonly minor: number } {
  const node = nodes.find(candidate => candidate.path === path && candidate.type === "b");
  if (node === undefined) throw new OperationError("internal", `stat ${path}: no such file or directory`);
  return { major: node.major, minor: node.minor };
}
