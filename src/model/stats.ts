import type { ContainerId } from "./ids.ts";

/** What a container uses, at one moment. Named after Docker's StatsResponse; times in ns, sizes in bytes. */
export interface ContainerStats {
  readonly id: ContainerId;
  /** Without the leading slash. */
  readonly name: string;
  /** Missing: the container does not run, and nothing below is known. */
  readonly usage?: ResourceUsage;
  /** The sample before, of the same reader; missing in the first one. */
  readonly previous?: Pick<ResourceUsage, "readAtMs" | "cpu">;
}

export interface ResourceUsage {
  readonly readAtMs: number;
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
  readonly pids: { readonly current: number; readonly limit?: number };
  /** Missing: this cgroup version does not know. */
  readonly blockIoBytes: readonly BlockIo[];
  readonly blockIoOperations?: readonly BlockIo[];
  /** By interface name. Missing: the container has no network of its own. */
  readonly networks?: Readonly<Record<string, NetworkUsage>>;
}

export interface CpuUsage {
  readonly totalNs: number;
  readonly perCpuNs?: readonly number[];
  readonly kernelNs: number;
  readonly userNs: number;
  /** Of the whole machine, all processors together, idle time too. */
  readonly systemNs: number;
  readonly onlineCpus: number;
  readonly throttling: { readonly periods: number; readonly throttledPeriods: number; readonly throttledNs: number };
}

export interface MemoryUsage {
  readonly usageBytes: number;
  readonly maxUsageBytes?: number;
  /** At most what the machine has. */
  readonly limitBytes: number;
  readonly failures?: number;
  /** As the kernel names them. */
  readonly details: Readonly<Record<string, number>>;
}

export interface BlockIo {
  readonly major: number;
  readonly minor: number;
  readonly operation: string;
  readonly value: number;
}

export interface NetworkUsage {
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}
