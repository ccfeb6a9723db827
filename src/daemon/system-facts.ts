import { access, readdir, readFile, statfs } from "node:fs/promises";
import { arch, availableParallelism, hostname, release, totalmem } from "node:os";
import type { KernelLimits, ProcessFacts } from "../api/backends.ts";

/** What `docker info` says of the machine. */
export interface SystemFacts {
  readonly hostname: string;
  readonly kernelVersion: string;
  readonly operatingSystem: string;
  readonly osVersion: string;
  /** As `uname -m`. */
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly limits: KernelLimits;
  readonly backingFileSystem: string;
  readonly usesMetacopy: boolean;
}

const MACHINES: Readonly<Record<string, string>> = {
  x64: "x86_64",
  arm64: "aarch64",
  arm: "armv7l",
  s390x: "s390x",
  ppc64: "ppc64le",
};

export async function gatherSystemFacts(dataRoot: string): Promise<SystemFacts> {
  const { type } = await statfs(dataRoot);
  const osRelease = parseOsRelease(await readText("/etc/os-release"));
  return {
    hostname: hostname(),
    kernelVersion: release(),
    operatingSystem: osRelease["PRETTY_NAME"] ?? "Linux",
    osVersion: osRelease["VERSION_ID"] ?? "",
    architecture: MACHINES[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    limits: await gatherLimits(),
    backingFileSystem: FILE_SYSTEMS.get(type) ?? `0x${type.toString(16)}`,
    usesMetacopy: (await readText("/sys/module/overlay/parameters/metacopy")).startsWith("Y"),
  };
}

/** By the magic number of statfs(2), in Docker's words. */
const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, "extfs"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x01021994, "tmpfs"],
  [0x794c7630, "overlayfs"],
  [0xf2f52010, "f2fs"],
  [0x2fc12fc1, "zfs"],
]);

/** What changes while the daemon runs. */
export async function gatherProcessFacts(eventListeners: number): Promise<ProcessFacts> {
  return {
    openFiles: (await readdir("/proc/self/fd")).length,
    activeResources: process.getActiveResourcesInfo().length,
    eventListeners,
    forwardsIpv4: (await readText("/proc/sys/net/ipv4/ip_forward")).startsWith("1"),
  };
}

const CGROUPS = "/sys/fs/cgroup";

/** On v2 a controller has all its limits, on v1 each is a file of its own. */
async function gatherLimits(): Promise<KernelLimits> {
  const controllers = (await readText(`${CGROUPS}/cgroup.controllers`)).split(/\s+/);
  const has = async (controller: string, file: string) =>
    controllers.includes(controller) || (await exists(`${CGROUPS}/${controller}/${file}`));
  return {
    memory: await has("memory", "memory.limit_in_bytes"),
    swap: await has("memory", "memory.memsw.limit_in_bytes"),
    kernelMemory: await exists(`${CGROUPS}/memory/memory.kmem.limit_in_bytes`),
    kernelMemoryTcp: await exists(`${CGROUPS}/memory/memory.kmem.tcp.limit_in_bytes`),
    cpuShares: await has("cpu", "cpu.shares"),
    cpuQuota: await has("cpu", "cpu.cfs_quota_us"),
    cpuset: await has("cpuset", "cpuset.cpus"),
    pids: await has("pids", ""),
  };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Empty for a file that this kernel does not have. */
function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

/** @see os-release(5). */
export function parseOsRelease(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)].map(([, key = "", value = ""]) => [key, value]));
}
