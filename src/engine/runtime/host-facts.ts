import { stat as fileStat, lstat, readdir, readFile } from "node:fs/promises";
import { availableParallelism, release } from "node:os";
import { join } from "node:path";
import type { HostConfig } from "../../model/container.ts";
import { capabilitiesOfMask } from "./oci/capabilities.ts";
import type { CompiledSeccomp, DeviceNode, HostFacts } from "./oci/facts.ts";
import { parseSeccompProfile } from "./oci/seccomp.ts";
import { DEFAULT_SECCOMP_PROFILE_TEXT } from "./seccomp/default-profile.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";
const INIT_PATHS = ["/usr/bin/docker-init", "/usr/libexec/docker/docker-init", "/usr/bin/tini-static", "/sbin/tini-static"];

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isThere(path)) return path;
  return undefined;
}

/** A kernel without the folder has one. */
async function countMemoryNodes(): Promise<number> {
  const names = await readdir("/sys/devices/system/node").catch(() => []);
  return Math.max(1, names.filter(name => /^node\d+$/.test(name)).length);
}

/**
 * How often each processor was slowed down for its heat tells a container what others work on.
 * @see https://github.com/moby/moby/security/advisories/GHSA-6fw5-f8r9-fgfm
 */
export async function findThrottlePaths(cpuFolder = "/sys/devices/system/cpu"): Promise<readonly string[]> {
  const numbers = (await readdir(cpuFolder)).flatMap(name => /^cpu(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  const paths = numbers.toSorted((a, b) => a - b).map(number => join(cpuFolder, `cpu${number}`, "thermal_throttle"));
  const found = await Promise.all(paths.map(isThere));
  return paths.filter((_, index) => found[index]);
}

export interface HostFactsRequest {
  /** By default the profile that is shipped; `--seccomp-profile` names another. */
  readonly seccompProfileText?: string | undefined;
  /** Containers that ask for no profile have none. */
  readonly isUnconfined?: boolean;
  readonly compiledSeccomp?: CompiledSeccomp;
  /** By default the first of those that systems have. */
  readonly initPath?: string | undefined;
}

/** What specs depend on; asked once, at start. */
export async function gatherHostFacts({
  seccompProfileText = DEFAULT_SECCOMP_PROFILE_TEXT,
  isUnconfined = false,
  compiledSeccomp,
  initPath: wantedInit,
}: HostFactsRequest = {}): Promise<HostFacts> {
  const [status, limits, isUnified, initPath] = await Promise.all([
    readFile("/proc/self/status", "utf8"),
    readFile("/proc/self/limits", "utf8"),
    isThere(`${CGROUP_ROOT}/cgroup.controllers`),
    firstThere(wantedInit === undefined ? INIT_PATHS : [wantedInit]),
  ]);
  const [major = 0, minor = 0] = release().split(".").map(Number);
  return {
    cgroupVersion: isUnified ? 2 : 1,
    architecture: process.arch,
    kernelVersion: { major, minor },
    capabilities: capabilitiesOfMask(/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"),
    hardLimits: parseHardLimits(limits),
    ...(await cgroupAbilities(isUnified)),
    cpuCount: availableParallelism(),
    memoryNodeCount: await countMemoryNodes(),
    hasAppArmor: await isThere("/sys/kernel/security/apparmor"),
    throttlePaths: await findThrottlePaths(),
    ...(isUnconfined ? {} : { defaultSeccomp: parseSeccompProfile(seccompProfileText) }),
    ...(compiledSeccomp === undefined ? {} : { compiledSeccomp }),
    ...(initPath === undefined ? {} : { initPath }),
  };
}

type CgroupAbilities = Pick<HostFacts, "hasSwapLimit" | "hasMemorySwappiness" | "hasRealtimeCpu" | "hasBlkioWeight">;

async function cgroupAbilities(isUnified: boolean): Promise<CgroupAbilities> {
  if (isUnified) {
    const controllers = (await readFile(`${CGROUP_ROOT}/cgroup.controllers`, "utf8")).trim().split(" ");
    return {
      hasSwapLimit: controllers.includes("memory") && (await isThere("/proc/swaps")),
      hasMemorySwappiness: false,
      hasRealtimeCpu: false,
      hasBlkioWeight: controllers.includes("io"),
    };
  }
  const [hasSwapLimit, hasMemorySwappiness, hasRealtimeCpu, hasWeight, hasBfqWeight] = await Promise.all([
    isThere(`${CGROUP_ROOT}/memory/memory.memsw.limit_in_bytes`),
    isThere(`${CGROUP_ROOT}/memory/memory.swappiness`),
    isThere(`${CGROUP_ROOT}/cpu/cpu.rt_runtime_us`),
    isThere(`${CGROUP_ROOT}/blkio/blkio.weight`),
    isThere(`${CGROUP_ROOT}/blkio/blkio.bfq.weight`),
  ]);
  return { hasSwapLimit, hasMemorySwappiness, hasRealtimeCpu, hasBlkioWeight: hasWeight || hasBfqWeight };
}

/** /proc/PID/limits has words, the specification RLIMIT names. */
const LIMIT_NAMES: readonly (readonly [words: string, name: string])[] = [
  ["Max cpu time", "RLIMIT_CPU"],
  ["Max file size", "RLIMIT_FSIZE"],
  ["Max data size", "RLIMIT_DATA"],
  ["Max stack size", "RLIMIT_STACK"],
  ["Max core file size", "RLIMIT_CORE"],
  ["Max resident set", "RLIMIT_RSS"],
  ["Max processes", "RLIMIT_NPROC"],
  ["Max open files", "RLIMIT_NOFILE"],
  ["Max locked memory", "RLIMIT_MEMLOCK"],
  ["Max address space", "RLIMIT_AS"],
  ["Max file locks", "RLIMIT_LOCKS"],
  ["Max pending signals", "RLIMIT_SIGPENDING"],
  ["Max msgqueue size", "RLIMIT_MSGQUEUE"],
  ["Max nice priority", "RLIMIT_NICE"],
  ["Max realtime priority", "RLIMIT_RTPRIO"],
  ["Max realtime timeout", "RLIMIT_RTTIME"],
];

function parseHardLimits(text: string): Readonly<Record<string, number>> {
  const limits: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const [words, name] = LIMIT_NAMES.find(([prefix]) => line.startsWith(prefix)) ?? [];
    if (words === undefined || name === undefined) continue;
    const [, hard = "unlimited"] = line.slice(words.length).trim().split(/\s+/);
    if (hard !== "unlimited") limits[name] = Number(hard);
  }
  return limits;
}

const DEVICE_NODES_MAX = 4_096;
const NOT_DEVICES = new Set(["pts", "shm", "fd", "mqueue", "console", ".lxc", ".lxd-mounts", ".udev"]);

/** Every device file that the request names, or that it could see by privilege. */
export async function gatherDeviceNodes(
  hostConfig: Pick<
    HostConfig,
    | "devices"
    | "privileged"
    | "blkioWeightDevice"
    | "blkioDeviceReadBps"
    | "blkioDeviceWriteBps"
    | "blkioDeviceReadIops"
    | "blkioDeviceWriteIops"
  >,
): Promise<readonly DeviceNode[]> {
  const { devices, privileged, ...blkio } = hostConfig;
  const throttled = [
    blkio.blkioWeightDevice,
    blkio.blkioDeviceReadBps,
    blkio.blkioDeviceWriteBps,
    blkio.blkioDeviceReadIops,
    blkio.blkioDeviceWriteIops,
  ].flatMap(list => list.map(({ path }) => path));
  return findDeviceNodes([...devices.map(({ pathOnHost }) => pathOnHost), ...throttled, ...(privileged ? ["/dev"] : [])]);
}

/** The device files at and below paths. */
export async function findDeviceNodes(paths: readonly string[]): Promise<readonly DeviceNode[]> {
  const nodes = new Map<string, DeviceNode>();
  for (const path of paths) await collect(path, nodes, { isNamed: true });
  return [...nodes.values()];
}

async function collect(path: string, nodes: Map<string, DeviceNode>, { isNamed } = { isNamed: false }): Promise<void> {
  if (nodes.size >= DEVICE_NODES_MAX) return;
  const stat = await (isNamed ? fileStat : lstat)(path).catch(() => undefined);
  if (stat?.isDirectory() === true) {
    const names = await readdir(path).catch(() => []);
    for (const name of names) if (!NOT_DEVICES.has(name)) await collect(join(path, name), nodes);
    return;
  }
  if (stat === undefined || !(stat.isCharacterDevice() || stat.isBlockDevice())) return;
  const { major, minor } = deviceNumbers(stat.rdev);
  const type = stat.isBlockDevice() ? "b" : "c";
  nodes.set(path, { path, type, major, minor, mode: stat.mode & 0o777, uid: stat.uid, gid: stat.gid });
}

/** @see glibc's gnu_dev_major and gnu_dev_minor. */
function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const wide = BigInt(rdev);
  return {
    major: Number(((wide >> 8n) & 0xfffn) | ((wide >> 32n) & ~0xfffn)),
    minor: Number((wide & 0xffn) | ((wide >> 12n) & ~0xffn & 0xffffffffn)),
  };
}
