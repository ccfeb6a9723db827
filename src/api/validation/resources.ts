import type { HostConfig } from "../../model/container.ts";
import { refuseIf } from "./refuse.ts";

/** What a container needs at least to start. @see moby daemon/daemon_unix.go linuxMinMemory. */
const MEMORY_BYTES_MIN = 6 * 1024 * 1024;

/** Memory, CPU and the like: what is wrong whatever the host. Numbers that depend on the host are the engine's to check. */
export function checkResources(config: HostConfig, { isUpdate = false } = {}): void {
  checkMemory(config, isUpdate);
  checkCpu(config);
  const { oomScoreAdj, shmSizeBytes, ulimits } = config;
  refuseIf(oomScoreAdj < -1000 || oomScoreAdj > 1000, `Invalid value ${oomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  refuseIf(shmSizeBytes < 0, "SHM size can not be less than 0");
  for (const { name, soft, hard } of ulimits) {
    refuseIf(!ULIMITS.has(name), `invalid ulimit type: ${name}`);
    refuseIf(hard !== -1 && soft > hard, `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
}

const ULIMITS = new Set([
  ...["core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice"],
  ...["nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"],
]);

function checkMemory(
  { memoryBytes, memorySwapBytes, memorySwappiness, memoryReservationBytes }: HostConfig,
  isUpdate: boolean,
): void {
  refuseIf(memoryBytes !== 0 && memoryBytes < MEMORY_BYTES_MIN, "Minimum memory limit allowed is 6MB");
  refuseIf(
    memoryBytes > 0 && memorySwapBytes > 0 && memorySwapBytes < memoryBytes,
    "Minimum memoryswap limit should be larger than memory limit, see usage",
  );
  refuseIf(
    // Swap alone is right in an update: the memory limit that it adds to may be set already.
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

function checkCpu({ nanoCpus, cpuPeriodUs, cpuQuotaUs, cpusetCpus, cpusetMems }: HostConfig): void {
  refuseIf(nanoCpus > 0 && cpuPeriodUs > 0, "Conflicting options: Nano CPUs and CPU Period cannot both be set");
  refuseIf(nanoCpus > 0 && cpuQuotaUs > 0, "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  refuseIf(
    cpuPeriodUs !== 0 && (cpuPeriodUs < 1000 || cpuPeriodUs > 1_000_000),
    "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
  );
  refuseIf(cpuQuotaUs > 0 && cpuQuotaUs < 1000, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
  refuseIf(!isCpuList(cpusetCpus), `Invalid value ${cpusetCpus} for cpuset cpus: invalid format: ${cpusetCpus}`);
  refuseIf(!isCpuList(cpusetMems), `Invalid value ${cpusetMems} for cpuset mems: invalid format: ${cpusetMems}`);
}

function isCpuList(value: string): boolean {
  return value === "" || /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/.test(value);
}
