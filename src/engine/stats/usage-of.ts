import type { ResourceUsage } from "../../model/stats.ts";
import { parseBlkio, parseIoStat, parseKeyValues, parseNetDev, parseNumberFile } from "./parse-stats.ts";

export interface UsageContext {
  readonly readAtMs: number;
  readonly system: { readonly systemNs: number; readonly onlineCpus: number };
  readonly machineMemoryBytes: number;
}

/** Texts by the names of `statFilesOf`; what could not be read is missing. */
export type StatTexts = Readonly<Record<string, string | undefined>>;

const CLOCK_TICK_NS = 1e7;
/** What Docker shows of v1's memory.stat, in each form it comes in. */
const V1_DETAILS =
  "active_anon active_file cache dirty inactive_anon inactive_file mapped_file pgfault pgmajfault pgpgin pgpgout rss rss_huge unevictable writeback";
const V1_KEYS = new Set([
  ...V1_DETAILS.split(" ").flatMap(name => [name, `total_${name}`]),
  "hierarchical_memory_limit",
  "hierarchical_memsw_limit",
]);

/** A sample of what the files of a cgroup say. Pure. */
export function usageOf(version: 1 | 2, texts: StatTexts, context: UsageContext): ResourceUsage {
  const pidsLimit = parseNumberFile(texts["pidsLimit"]);
  const limitBytes = Math.min(parseNumberFile(texts["memoryLimit"]) ?? Infinity, context.machineMemoryBytes);
  const common = {
    readAtMs: context.readAtMs,
    pids: { current: parseNumberFile(texts["pids"]) ?? 0, ...(pidsLimit === undefined ? {} : { limit: pidsLimit }) },
    ...(texts["network"] === undefined ? {} : { networks: parseNetDev(texts["network"]) }),
  };
  return version === 1
    ? { ...common, ...usageV1(texts, { ...context, limitBytes }) }
    : { ...common, ...usageV2(texts, { ...context, limitBytes }) };
}

type OwnUsage = Pick<ResourceUsage, "cpu" | "memory" | "blockIoBytes" | "blockIoOperations">;

function usageV1(texts: StatTexts, { system, limitBytes }: UsageContext & { readonly limitBytes: number }): OwnUsage {
  const number = (name: string): number => parseNumberFile(texts[name]) ?? 0;
  const modes = parseKeyValues(texts["cpuModes"] ?? "");
  const throttling = parseKeyValues(texts["cpuThrottling"] ?? "");
  const each = (texts["cpuEach"] ?? "").trim();
  const details = [...parseKeyValues(texts["memoryDetails"] ?? "")].filter(([key]) => V1_KEYS.has(key));
  const failures = number("memoryFailures");
  return {
    cpu: {
      ...system,
      totalNs: number("cpuTotal"),
      ...(each === "" ? {} : { perCpuNs: each.split(/\s+/).map(Number) }),
      kernelNs: (modes.get("system") ?? 0) * CLOCK_TICK_NS,
      userNs: (modes.get("user") ?? 0) * CLOCK_TICK_NS,
      throttling: {
        periods: throttling.get("nr_periods") ?? 0,
        throttledPeriods: throttling.get("nr_throttled") ?? 0,
        throttledNs: throttling.get("throttled_time") ?? 0,
      },
    },
    memory: {
      usageBytes: number("memoryUsage"),
      maxUsageBytes: number("memoryMax"),
      limitBytes,
      ...(failures === 0 ? {} : { failures }),
      details: Object.fromEntries(details.toSorted(([left], [right]) => (left < right ? -1 : 1))),
    },
    blockIoBytes: parseBlkio(texts["ioBytes"] ?? ""),
    blockIoOperations: parseBlkio(texts["ioOperations"] ?? ""),
  };
}

function usageV2(texts: StatTexts, { system, limitBytes }: UsageContext & { readonly limitBytes: number }): OwnUsage {
  const cpu = parseKeyValues(texts["cpu"] ?? "");
  const microseconds = (name: string): number => (cpu.get(name) ?? 0) * 1000;
  const failures = parseKeyValues(texts["memoryEvents"] ?? "").get("oom") ?? 0;
  const details = [...parseKeyValues(texts["memoryDetails"] ?? "")];
  return {
    cpu: {
      ...system,
      totalNs: microseconds("usage_usec"),
      kernelNs: microseconds("system_usec"),
      userNs: microseconds("user_usec"),
      throttling: {
        periods: cpu.get("nr_periods") ?? 0,
        throttledPeriods: cpu.get("nr_throttled") ?? 0,
        throttledNs: microseconds("throttled_usec"),
      },
    },
    memory: {
      usageBytes: parseNumberFile(texts["memoryUsage"]) ?? 0,
      limitBytes,
      ...(failures === 0 ? {} : { failures }),
      details: Object.fromEntries(details.toSorted(([left], [right]) => (left < right ? -1 : 1))),
    },
    blockIoBytes: parseIoStat(texts["io"] ?? ""),
  };
}
