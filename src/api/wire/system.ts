import { LOG_DRIVERS } from "../../model/container.ts";
import type { SystemInfo } from "../backends.ts";
import type { LocalSwarmState } from "../swarm-backend.ts";
import { API_VERSION, API_VERSION_MIN } from "../http/version.ts";
import { GRAPH_DRIVER } from "./container.ts";
import { genericResources } from "./generic-resources.ts";
import { infoOfVersion } from "./info-version.ts";
import { rfc3339 } from "./times.ts";

/** What Go calls the machine that Node and uname call otherwise. */
const GO_ARCHITECTURE: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64", x64: "amd64" };

export function goArchitecture(architecture: string): string {
  return GO_ARCHITECTURE[architecture] ?? architecture;
}

/** `GET /version`. */
export function versionJson(info: SystemInfo): Record<string, unknown> {
  const architecture = goArchitecture(info.architecture);
  const details = {
    ApiVersion: API_VERSION,
    Arch: architecture,
    BuildTime: info.builtAt,
    Experimental: "false",
    GitCommit: info.commit,
    GoVersion: "",
    KernelVersion: info.kernelVersion,
    MinAPIVersion: API_VERSION_MIN,
    Os: "linux",
  };
  const runtime = info.runtimes[info.defaultRuntime];
  return {
    Platform: { Name: "Shoal" },
    Components: [
      { Name: "Engine", Version: info.version, Details: details },
      { Name: "conmon", Version: info.conmonVersion, Details: { GitCommit: "" } },
      { Name: info.defaultRuntime, Version: runtime?.version ?? "", Details: { GitCommit: "" } },
    ],
    Version: info.version,
    ApiVersion: API_VERSION,
    MinAPIVersion: API_VERSION_MIN,
    GitCommit: info.commit,
    GoVersion: "",
    Os: "linux",
    Arch: architecture,
    KernelVersion: info.kernelVersion,
    BuildTime: info.builtAt,
  };
}

export interface Counts {
  readonly running: number;
  readonly paused: number;
  readonly stopped: number;
  readonly images: number;
}

/** `GET /info`. */
export function infoJson(info: SystemInfo, { counts, swarm, nowMs, version }: InfoOptions): Record<string, unknown> {
  return infoOfVersion(version, {
    ID: info.id,
    Containers: counts.running + counts.paused + counts.stopped,
    ContainersRunning: counts.running,
    ContainersPaused: counts.paused,
    ContainersStopped: counts.stopped,
    Images: counts.images,
    Driver: GRAPH_DRIVER,
    DriverStatus: [
      ["Backing Filesystem", info.backingFileSystem],
      ["Using metacopy", String(info.usesMetacopy)],
    ],
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "macvlan", "null", "overlay"],
      Authorization: info.authorizationPlugins.length === 0 ? null : info.authorizationPlugins,
      Log: LOG_DRIVERS,
    },
    ...limitsJson(info),
    IPv4Forwarding: info.process.forwardsIpv4,
    Debug: info.isDebug,
    NFd: info.process.openFiles,
    OomKillDisable: info.cgroupVersion === 1,
    NGoroutines: info.process.activeResources,
    SystemTime: rfc3339(nowMs),
    LoggingDriver: info.loggingDriver,
    CgroupDriver: "cgroupfs",
    CgroupVersion: String(info.cgroupVersion),
    NEventsListener: info.process.eventListeners,
    KernelVersion: info.kernelVersion,
    OperatingSystem: info.operatingSystem,
    OSVersion: info.osVersion,
    OSType: "linux",
    Architecture: info.architecture,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: registryConfigJson(info.registry),
    NCPU: info.cpus,
    MemTotal: info.memoryBytes,
    GenericResources: genericResources.write(info.genericResources),
    DockerRootDir: info.dataRoot,
    HttpProxy: withoutPassword(info.registry.proxies.http),
    HttpsProxy: withoutPassword(info.registry.proxies.https),
    NoProxy: info.registry.proxies.exceptions,
    Name: info.hostname,
    Labels: info.labels,
    ExperimentalBuild: false,
    ServerVersion: info.version,
    Runtimes: runtimesJson(info),
    DefaultRuntime: info.defaultRuntime,
    Swarm: swarm,
    LiveRestoreEnabled: info.liveRestore,
    Isolation: "",
    InitBinary: info.initBinary,
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: info.runtimes[info.defaultRuntime]?.version ?? "" },
    InitCommit: { ID: "" },
    SecurityOptions: [
      `name=seccomp,profile=${info.seccompProfile}`,
      ...(info.isRemapped ? ["name=userns"] : []),
      ...(info.cgroupVersion === 2 ? ["name=cgroupns"] : []),
    ],
    FirewallBackend: { Driver: "iptables" },
    CDISpecDirs: [],
    Warnings: info.warnings.length === 0 ? null : info.warnings,
  });
}

export interface InfoOptions {
  readonly counts: Counts;
  /** Made by the swarm routes. */
  readonly swarm: Record<string, unknown>;
  readonly nowMs: number;
  readonly version: string;
}

function limitsJson({ limits }: SystemInfo): Record<string, boolean> {
  return {
    MemoryLimit: limits.memory,
    SwapLimit: limits.swap,
    ...(limits.kernelMemory ? { KernelMemory: true } : {}),
    ...(limits.kernelMemoryTcp ? { KernelMemoryTCP: true } : {}),
    CpuCfsPeriod: limits.cpuQuota,
    CpuCfsQuota: limits.cpuQuota,
    CPUShares: limits.cpuShares,
    CPUSet: limits.cpuset,
    PidsLimit: limits.pids,
  };
}

function runtimesJson({ runtimes }: SystemInfo): Record<string, unknown> {
  const entries = Object.entries(runtimes).map(([name, { path, features }]) => {
    const status = features === undefined ? {} : { status: { "org.opencontainers.runtime-spec.features": features } };
    return [name, { path, ...status }];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

/** The Swarm part of `info` as this node knows it alone; a manager adds the cluster. */
export function localSwarmJson(swarm: LocalSwarmState): Record<string, unknown> {
  return {
    NodeID: swarm.nodeId,
    NodeAddr: swarm.nodeAddress,
    LocalNodeState: swarm.state,
    ControlAvailable: swarm.isManager && swarm.state === "active",
    Error: swarm.error,
    RemoteManagers:
      swarm.remoteManagers.length === 0
        ? null
        : swarm.remoteManagers.map(({ nodeId, address }) => ({ NodeID: nodeId, Addr: address })),
  };
}

const LOCAL_CIDRS = ["::1/128", "127.0.0.0/8"];

/** Addresses stay addresses; names become registries of their own. */
function registryConfigJson({ mirrors, insecure }: SystemInfo["registry"]): Record<string, unknown> {
  const isRange = (entry: string) => /\/\d+$/.test(entry);
  const index = (name: string, isOfficial: boolean) => ({
    Mirrors: isOfficial ? mirrors : [],
    Name: name,
    Official: isOfficial,
    Secure: isOfficial,
  });
  const named = insecure.filter(entry => !isRange(entry)).map(entry => [entry, index(entry, false)] as const);
  return {
    IndexConfigs: Object.fromEntries([["docker.io", index("docker.io", true)], ...named]),
    InsecureRegistryCIDRs: [...LOCAL_CIDRS, ...insecure.filter(isRange)],
    Mirrors: mirrors.length === 0 ? null : mirrors,
  };
}

/** Proxies may hold the password of one. */
function withoutPassword(proxy: string): string {
  return proxy.replace(/\/\/[^/@]*@/, "//xxxxx:xxxxx@");
}
