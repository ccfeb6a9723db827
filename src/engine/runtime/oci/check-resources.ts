import { OperationError } from "../../../lib/errors.ts";
import { highestOfCpuset } from "./cpuset-list.ts";
import type { HostFacts } from "./facts.ts";
import type { ResourceRequest } from "./resources.ts";

const MEMORY_BYTES_MIN = 6 * 1024 * 1024;

/** Settings that contradict each other or this machine. @throws OperationError `invalid` in Docker's words. @see moby daemon/daemon_unix.go. */
export function checkResources(request: ResourceRequest, facts: HostFacts, { isUpdate = false } = {}): void {
  checkMemory(request, isUpdate);
  checkCpu(request, facts);
  if (facts.hasBlkioWeight) checkBlockIo(request);
}

function refuseIf(isWrong: boolean, message: string): void {
  if (isWrong) throw new OperationError("invalid", message);
}

function checkMemory(
  { memoryBytes, memorySwapBytes, memorySwappiness, memoryReservationBytes }: ResourceRequest,
  isUpdate: boolean,
): void {
  refuseIf(memoryBytes !== 0 && memoryBytes < MEMORY_BYTES_MIN, "Minimum memory limit allowed is 6MB");
  refuseIf(
    memoryBytes > 0 && memorySwapBytes > 0 && memorySwapBytes < memoryBytes,
    "Minimum memoryswap limit should be larger than memory limit, see usage",
  );
  refuseIf(
    memoryBytes === 0 && memorySwapBytes > 0 && !isUpdate,
    "You should always set the Memory limit when using Memoryswap limit, see usage",
  );
  refuseIf(
    memorySwappiness !== undefined && (memorySwappiness < -1 || memorySwappiness > 100),
    `Invalid value: ${memorySwappiness}, valid memory swappiness range is 0-100`,
  );
  refuseIf(memoryReservationBytes > 0 && memoryReservationBytes < MEMORY_BYTES_MIN, "Minimum memory reservation allowed is 6MB");
  refuseIf(
    memoryBytes > 0 && memoryReservationBytes > 0 && memoryBytes < memoryReservationBytes,
    "Minimum memory limit can not be less than memory reservation limit, see usage",
  );
}

function checkCpu(request: ResourceRequest, { cpuCount, hasRealtimeCpu, memoryNodeCount = 1 }: HostFacts): void {
  const { nanoCpus, cpuShares, cpuPeriodUs, cpuQuotaUs, cpusetCpus, cpusetMems, cpuRealtimePeriodUs, cpuRealtimeRuntimeUs } =
    request;
  refuseIf(nanoCpus > 0 && cpuPeriodUs > 0, "Conflicting options: Nano CPUs and CPU Period cannot both be set");
  refuseIf(nanoCpus > 0 && cpuQuotaUs > 0, "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  refuseIf(
    nanoCpus < 0 || nanoCpus > cpuCount * 1e9,
    `range of CPUs is from 0.01 to ${cpuCount}.00, as there are only ${cpuCount} CPUs available`,
  );
  refuseIf(
    cpuPeriodUs !== 0 && (cpuPeriodUs < 1_000 || cpuPeriodUs > 1_000_000),
    "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
  );
  refuseIf(cpuQuotaUs > 0 && cpuQuotaUs < 1_000, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
  refuseIf(
    (cpuRealtimePeriodUs !== 0 || cpuRealtimeRuntimeUs !== 0) && !hasRealtimeCpu,
    "Your kernel does not support CPU real-time scheduler",
  );
  refuseIf(
    cpuRealtimeRuntimeUs > cpuRealtimePeriodUs && cpuRealtimePeriodUs !== 0,
    "cpu real-time runtime cannot be higher than cpu real-time period",
  );
  refuseIf(cpuShares < 0, `invalid CPU shares (${cpuShares}): value must be a positive integer`);
  const highest = highestOfCpuset("cpus", cpusetCpus);
  refuseIf(
    highest !== undefined && highest >= cpuCount,
    `Requested CPUs are not available - requested ${cpusetCpus}, available: ${upTo(cpuCount)}`,
  );
  const highestNode = highestOfCpuset("mems", cpusetMems);
  refuseIf(
    highestNode !== undefined && highestNode >= memoryNodeCount,
    `Requested memory nodes are not available - requested ${cpusetMems}, available: ${upTo(memoryNodeCount)}`,
  );
}

/** `0-3` of four. */
function upTo(count: number): string {
  return count === 1 ? "0" : `0-${count - 1}`;
}

function checkBlockIo({ blkioWeight, blkioWeightDevice }: ResourceRequest): void {
  const isOutside = (weight: number): boolean => weight < 10 || weight > 1000;
  refuseIf(blkioWeight !== 0 && isOutside(blkioWeight), "Range of blkio weight is from 10 to 1000");
  for (const { weight, path } of blkioWeightDevice)
    refuseIf(isOutside(weight), `range of blkio weight is from 10 to 1000: ${path}`);
}
