import { join } from "node:path";
import { parseControllers, ownCgroup } from "./parse-stats.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";

/** Files that a sample is made of, by what they are called in `usage-of.ts`. */
export type StatFiles = { readonly version: 1 | 2; readonly paths: Readonly<Record<string, string>> };

/** @param cgroupText - Of /proc/PID/cgroup. `undefined` when it names no cgroup that counts anything. */
export function statFilesOf(
  cgroupText: string,
  { pid, containerId, hasOwnNetwork }: { readonly pid: number; readonly containerId: string; readonly hasOwnNetwork: boolean },
): StatFiles | undefined {
  const controllers = parseControllers(cgroupText);
  const network: Record<string, string> = hasOwnNetwork ? { network: `/proc/${pid}/net/dev` } : {};
  const at = (controller: string): string | undefined => {
    const path = controllers.get(controller);
    return path === undefined ? undefined : ownCgroup(path, containerId);
  };
  const [cpu, cpuacct, memory, pids, blkio] = ["cpu", "cpuacct", "memory", "pids", "blkio"].map(name => {
    const path = at(name);
    return path === undefined ? undefined : join(CGROUP_ROOT, name, path);
  });
  if (cpuacct !== undefined && memory !== undefined) {
    const paths = {
      cpuTotal: `${cpuacct}/cpuacct.usage`,
      cpuEach: `${cpuacct}/cpuacct.usage_percpu`,
      cpuModes: `${cpuacct}/cpuacct.stat`,
      memoryUsage: `${memory}/memory.usage_in_bytes`,
      memoryMax: `${memory}/memory.max_usage_in_bytes`,
      memoryLimit: `${memory}/memory.limit_in_bytes`,
      memoryFailures: `${memory}/memory.failcnt`,
      memoryDetails: `${memory}/memory.stat`,
      ...(cpu === undefined ? {} : { cpuThrottling: `${cpu}/cpu.stat` }),
      ...(pids === undefined ? {} : { pids: `${pids}/pids.current`, pidsLimit: `${pids}/pids.max` }),
      ...(blkio === undefined
        ? {}
        : { ioBytes: `${blkio}/blkio.throttle.io_service_bytes`, ioOperations: `${blkio}/blkio.throttle.io_serviced` }),
      ...network,
    };
    return { version: 1, paths };
  }
  const unified = at("");
  if (unified === undefined) return undefined;
  const own = join(CGROUP_ROOT, unified);
  const paths = {
    cpu: `${own}/cpu.stat`,
    memoryUsage: `${own}/memory.current`,
    memoryLimit: `${own}/memory.max`,
    memoryEvents: `${own}/memory.events`,
    memoryDetails: `${own}/memory.stat`,
    pids: `${own}/pids.current`,
    pidsLimit: `${own}/pids.max`,
    io: `${own}/io.stat`,
    ...network,
  };
  return { version: 2, paths };
}
