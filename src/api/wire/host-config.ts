import { OperationError } from "../../lib/errors.ts";
import type { HostConfig, LogConfig, PortBinding, RestartPolicy, ThrottleDevice } from "../../model/container.ts";
import { field, isRecord, omitEmpty, struct } from "./codec.ts";
import type { Readable } from "./codec.ts";
import { mount, ulimit } from "./common.ts";
import { consoleSize } from "./console-size.ts";
import { flag, int, int64, list, map, optional, text, textMap, texts, uint16, uint64, word, words } from "./scalars.ts";

const logConfig = struct<LogConfig>("container.LogConfig", { type: field("Type", text), options: field("Config", textMap) });

export const portBinding = struct<PortBinding>("nat.PortBinding", {
  hostIp: field("HostIp", text),
  hostPort: field("HostPort", text),
});

export const restartPolicy = struct<RestartPolicy>("container.RestartPolicy", {
  name: field("Name", word<RestartPolicy["name"]>("container.RestartPolicyMode")),
  maximumRetryCount: field("MaximumRetryCount", int),
});

const weightDevice = struct<HostConfig["blkioWeightDevice"][number]>("blkiodev.WeightDevice", {
  path: field("Path", text),
  weight: field("Weight", uint16),
});
const throttleDevice = struct<ThrottleDevice>("blkiodev.ThrottleDevice", {
  path: field("Path", text),
  rate: field("Rate", uint64),
});
const throttleDevices = list(throttleDevice);

export const device = struct<HostConfig["devices"][number]>("container.DeviceMapping", {
  pathOnHost: field("PathOnHost", text),
  pathInContainer: field("PathInContainer", text),
  cgroupPermissions: field("CgroupPermissions", text),
});
export const deviceRequest = struct<HostConfig["deviceRequests"][number]>("container.DeviceRequest", {
  driver: field("Driver", text),
  count: field("Count", int),
  deviceIds: field("DeviceIDs", texts),
  capabilities: field("Capabilities", list(texts)),
  options: field("Options", textMap),
});

/** @see moby api/types/container/hostconfig.go, whose order of fields this is. */
const settings = struct<Omit<HostConfig, "givenEmpty">>("container.HostConfig", {
  binds: field("Binds", texts),
  containerIdFile: field("ContainerIDFile", text),
  logConfig: field("LogConfig", logConfig),
  networkMode: field("NetworkMode", text),
  portBindings: field("PortBindings", map(list(portBinding), { empty: "null" })),
  restartPolicy: field("RestartPolicy", restartPolicy),
  autoRemove: field("AutoRemove", flag),
  volumeDriver: field("VolumeDriver", text),
  volumesFrom: field("VolumesFrom", texts),
  consoleSize: field("ConsoleSize", consoleSize),
  annotations: omitEmpty("Annotations", textMap),
  capAdd: field("CapAdd", texts),
  capDrop: field("CapDrop", texts),
  cgroupnsMode: field("CgroupnsMode", text),
  dns: field("Dns", texts),
  dnsOptions: field("DnsOptions", texts),
  dnsSearch: field("DnsSearch", texts),
  extraHosts: field("ExtraHosts", texts),
  groupAdd: field("GroupAdd", texts),
  ipcMode: field("IpcMode", text),
  cgroup: field("Cgroup", text),
  links: field("Links", texts),
  oomScoreAdj: field("OomScoreAdj", int),
  pidMode: field("PidMode", text),
  privileged: field("Privileged", flag),
  publishAllPorts: field("PublishAllPorts", flag),
  readonlyRootfs: field("ReadonlyRootfs", flag),
  securityOpt: field("SecurityOpt", texts),
  storageOpt: omitEmpty("StorageOpt", textMap),
  tmpfs: omitEmpty("Tmpfs", textMap),
  utsMode: field("UTSMode", text),
  usernsMode: field("UsernsMode", text),
  shmSizeBytes: field("ShmSize", int64),
  sysctls: omitEmpty("Sysctls", textMap),
  runtime: field("Runtime", text),
  isolation: field("Isolation", text),
  cpuShares: field("CpuShares", int64),
  memoryBytes: field("Memory", int64),
  nanoCpus: field("NanoCpus", int64),
  cgroupParent: field("CgroupParent", text),
  blkioWeight: field("BlkioWeight", uint16),
  blkioWeightDevice: field("BlkioWeightDevice", list(weightDevice)),
  blkioDeviceReadBps: field("BlkioDeviceReadBps", throttleDevices),
  blkioDeviceWriteBps: field("BlkioDeviceWriteBps", throttleDevices),
  blkioDeviceReadIops: field("BlkioDeviceReadIOps", throttleDevices),
  blkioDeviceWriteIops: field("BlkioDeviceWriteIOps", throttleDevices),
  cpuPeriodUs: field("CpuPeriod", int64),
  cpuQuotaUs: field("CpuQuota", int64),
  cpuRealtimePeriodUs: field("CpuRealtimePeriod", int64),
  cpuRealtimeRuntimeUs: field("CpuRealtimeRuntime", int64),
  cpusetCpus: field("CpusetCpus", text),
  cpusetMems: field("CpusetMems", text),
  devices: field("Devices", list(device)),
  deviceCgroupRules: field("DeviceCgroupRules", texts),
  deviceRequests: field("DeviceRequests", list(deviceRequest)),
  memoryReservationBytes: field("MemoryReservation", int64),
  memorySwapBytes: field("MemorySwap", int64),
  memorySwappiness: field("MemorySwappiness", optional(int64)),
  oomKillDisable: field("OomKillDisable", optional(flag)),
  pidsLimit: field("PidsLimit", optional(int64)),
  ulimits: field("Ulimits", list(ulimit)),
  mounts: omitEmpty("Mounts", list(mount)),
  maskedPaths: field("MaskedPaths", words),
  readonlyPaths: field("ReadonlyPaths", words),
  init: omitEmpty("Init", optional(flag)),
});

/** A wire name for each setting. */
export const HOST_CONFIG_FIELDS = settings.fields;

const WIRE_NAMES = new Map(Object.values(settings.fields).map(({ wire }) => [wire.toLowerCase(), wire]));

/** Go's decoder tells a list or map that is empty from one that is not there, and inspect shows the one as `[]` and the other as `null`. */
export const hostConfig: Readable<HostConfig> = {
  ...settings,
  read(value, at) {
    const given = isRecord(value) ? Object.entries(value).flatMap(([key, inner]) => (isEmptyList(inner) ? [key] : [])) : [];
    const givenEmpty = given.flatMap(key => WIRE_NAMES.get(key.toLowerCase()) ?? []);
    return { ...settings.read(value, at), ...(givenEmpty.length === 0 ? {} : { givenEmpty }) };
  },
  write({ givenEmpty = [], ...given }) {
    const written = settings.write(given);
    const isMap = (key: string) => Object.values(settings.fields).some(({ wire, codec }) => wire === key && codec.form === "map");
    // Links are not told as they were given.
    for (const key of givenEmpty) if (written[key] === null && key !== "Links") written[key] = isMap(key) ? {} : [];
    return written;
  },
};

function isEmptyList(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Fields that only Windows has; inspect shows them none the less. */
export const WINDOWS_FIELDS = { CpuCount: 0, CpuPercent: 0, IOMaximumIOps: 0, IOMaximumBandwidth: 0 };

/** What is said when one is set. */
const WINDOWS_REFUSALS = {
  CpuCount: "invalid option: CPU count configuration is not supported on linux",
  IOMaximumIOps: "invalid option: QoS maximum IOPs configuration is not supported on linux",
  IOMaximumBandwidth: "invalid option: QoS maximum bandwidth configuration is not supported on linux",
} as const;

const KERNEL_MEMORY = "Limits of kernel memory are no longer part of the API. Limitation discarded.";

/** Fields that are dropped with a warning: Docker's own rule for a share of the processors; the others are gone from the API. */
const DISCARDED = {
  CpuPercent: "linux does not support CPU percent. Percent discarded.",
  KernelMemory: KERNEL_MEMORY,
  KernelMemoryTCP: KERNEL_MEMORY,
} as const;

/** @throws OperationError `invalid` for a field that nothing on Linux could honour. */
export function readForeignFields(value: unknown): { readonly warnings: readonly string[] } {
  if (!isRecord(value)) return { warnings: [] };
  const isSet = (name: string) => typeof value[name] === "number" && value[name] !== 0;
  for (const [name, message] of Object.entries(WINDOWS_REFUSALS)) {
    if (isSet(name)) throw new OperationError("invalid", message);
  }
  return { warnings: [...new Set(Object.entries(DISCARDED).flatMap(([name, warning]) => (isSet(name) ? warning : [])))] };
}
