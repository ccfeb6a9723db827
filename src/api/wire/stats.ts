import type { BlockIo, ContainerStats, CpuUsage, NetworkUsage, ResourceUsage } from "../../model/stats.ts";
import { rfc3339 } from "./times.ts";

const NO_TIME = "0001-01-01T00:00:00Z";
const NO_THROTTLING = { periods: 0, throttled_periods: 0, throttled_time: 0 };
const NO_CPU = { cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 }, throttling_data: NO_THROTTLING };

/** `GET /containers/{id}/stats`. @see moby api/types/container/stats.go, whose order of fields this is. */
export function statsJson({ id, name, usage, previous }: ContainerStats): Record<string, unknown> {
  return {
    name: `/${name}`,
    id,
    read: usage === undefined ? NO_TIME : rfc3339(usage.readAtMs),
    preread: previous === undefined ? NO_TIME : rfc3339(previous.readAtMs),
    pids_stats: usage?.pids ?? {},
    blkio_stats: blockIoJson(usage),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuJson(usage?.cpu),
    precpu_stats: cpuJson(previous?.cpu),
    memory_stats: memoryJson(usage?.memory),
    ...networksJson(usage),
  };
}

function cpuJson(cpu: CpuUsage | undefined): Record<string, unknown> {
  if (cpu === undefined) return NO_CPU;
  const { throttling } = cpu;
  return {
    cpu_usage: {
      total_usage: cpu.totalNs,
      ...(cpu.perCpuNs === undefined ? {} : { percpu_usage: cpu.perCpuNs }),
      usage_in_kernelmode: cpu.kernelNs,
      usage_in_usermode: cpu.userNs,
    },
    system_cpu_usage: cpu.systemNs,
    online_cpus: cpu.onlineCpus,
    throttling_data: {
      periods: throttling.periods,
      throttled_periods: throttling.throttledPeriods,
      throttled_time: throttling.throttledNs,
    },
  };
}

function memoryJson(memory: ResourceUsage["memory"] | undefined): Record<string, unknown> {
  if (memory === undefined) return {};
  return {
    usage: memory.usageBytes,
    ...(memory.maxUsageBytes === undefined ? {} : { max_usage: memory.maxUsageBytes }),
    stats: memory.details,
    ...(memory.failures === undefined ? {} : { failcnt: memory.failures }),
    limit: memory.limitBytes,
  };
}

/** What is counted nowhere is an empty list on v1 and null on v2. */
function blockIoJson(usage: ResourceUsage | undefined): Record<string, unknown> {
  const none = usage?.blockIoOperations === undefined ? null : [];
  return {
    io_service_bytes_recursive: usage === undefined ? null : usage.blockIoBytes.map(blockIoEntry),
    io_serviced_recursive: usage?.blockIoOperations?.map(blockIoEntry) ?? null,
    io_queue_recursive: none,
    io_service_time_recursive: none,
    io_wait_time_recursive: none,
    io_merged_recursive: none,
    io_time_recursive: none,
    sectors_recursive: none,
  };
}

function blockIoEntry({ major, minor, operation, value }: BlockIo): Record<string, unknown> {
  return { major, minor, op: operation, value };
}

function networksJson(usage: ResourceUsage | undefined): Record<string, unknown> {
  const networks = Object.entries(usage?.networks ?? {});
  return networks.length === 0 ? {} : { networks: Object.fromEntries(networks.map(([name, own]) => [name, networkJson(own)])) };
}

function networkJson(network: NetworkUsage): Record<string, unknown> {
  return {
    rx_bytes: network.rxBytes,
    rx_packets: network.rxPackets,
    rx_errors: network.rxErrors,
    rx_dropped: network.rxDropped,
    tx_bytes: network.txBytes,
    tx_packets: network.txPackets,
    tx_errors: network.txErrors,
    tx_dropped: network.txDropped,
  };
}
