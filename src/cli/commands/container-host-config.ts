import { FlagValueError } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { CliError, type Json } from "../context.ts";
import { parseSize } from "../format/units.ts";
import { parseMount } from "./mount.ts";
import { portBindings } from "./container-ports.ts";
import {
  deviceRates,
  integer,
  lists,
  pairs,
  parseDevice,
  parseGpus,
  parseUlimit,
  readText,
  restartPolicy,
  size,
  splitAt,
  value,
  withoutUndefined,
} from "./container-values.ts";

/** The part of a new container that is about the host. */
export function hostConfig(
  flags: FlagValues,
  { network, binds }: { readonly network: string; readonly binds: readonly string[] },
): Json {
  checkModes(flags);
  return withoutUndefined({
    ...resources(flags),
    ...namespaces(flags),
    Binds: binds.length === 0 ? null : binds,
    ContainerIDFile: value(flags, "cidfile") ?? "",
    Mounts: lists(flags, "mount").length === 0 ? undefined : lists(flags, "mount").map(parseMount),
    NetworkMode: network,
    PortBindings: portBindings(flags),
    PublishAllPorts: flags["publishAll"] === true,
    RestartPolicy: restartPolicy(value(flags, "restart") ?? "no"),
    AutoRemove: flags["rm"] === true,
    LogConfig: logConfig(flags),
    CapAdd: orNull(capabilities(lists(flags, "capAdd"))),
    CapDrop: orNull(capabilities(lists(flags, "capDrop"))),
    Dns: lists(flags, "dns").map(checkedAddress),
    DnsOptions: lists(flags, "dnsOption"),
    DnsSearch: lists(flags, "dnsSearch"),
    ExtraHosts: orNull(lists(flags, "addHost").map(extraHost)),
    GroupAdd: orNull(lists(flags, "groupAdd")),
    Privileged: flags["privileged"] === true,
    ReadonlyRootfs: flags["readOnly"] === true,
    ...security(flags),
    StorageOpt: storageOptions(flags),
    Sysctls: pairs(lists(flags, "sysctl").map(sysctl)),
    Tmpfs: Object.fromEntries(lists(flags, "tmpfs").map(item => splitAt(item, ":"))),
    VolumesFrom: orNull(lists(flags, "volumesFrom")),
    VolumeDriver: value(flags, "volumeDriver") ?? "",
    Links: orNull(lists(flags, "link").map(link)),
    Annotations: pairs(lists(flags, "annotation")),
    ShmSize: size(flags, "shmSize") ?? 0,
    Runtime: value(flags, "runtime"),
    Isolation: value(flags, "isolation"),
    Init: typeof flags["init"] === "boolean" ? flags["init"] : undefined,
    OomScoreAdj: integer(flags, "oomScoreAdj") ?? 0,
  });
}

/** Inspect tells an empty list from one that was not given: as Docker's client has it, most are not given. */
function orNull(list: readonly Json[]): Json {
  return list.length === 0 ? null : list;
}

const SWAPPINESS_MAX = 100;

function resources(flags: FlagValues): { readonly [key: string]: Json } {
  const swappiness = integer(flags, "memorySwappiness");
  if (swappiness !== undefined && (swappiness < -1 || swappiness > SWAPPINESS_MAX))
    throw new CliError(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  const number = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined);
  return {
    Memory: size(flags, "memory") ?? 0,
    MemoryReservation: size(flags, "memoryReservation") ?? 0,
    MemorySwap: size(flags, "memorySwap") ?? 0,
    MemorySwappiness: swappiness,
    OomKillDisable: flags["oomKillDisable"] === true ? true : undefined,
    NanoCpus: nanoCpus(flags),
    CpuShares: integer(flags, "cpuShares") ?? 0,
    CpuPeriod: integer(flags, "cpuPeriod") ?? 0,
    CpuQuota: integer(flags, "cpuQuota") ?? 0,
    CpuRealtimePeriod: integer(flags, "cpuRtPeriod"),
    CpuRealtimeRuntime: integer(flags, "cpuRtRuntime"),
    CpusetCpus: value(flags, "cpusetCpus") ?? "",
    CpusetMems: value(flags, "cpusetMems") ?? "",
    PidsLimit: integer(flags, "pidsLimit"),
    BlkioWeight: integer(flags, "blkioWeight") ?? 0,
    BlkioWeightDevice: deviceRates(flags, { flag: "blkio-weight-device", field: "Weight", parse: number }),
    BlkioDeviceReadBps: deviceRates(flags, { flag: "device-read-bps", field: "Rate", parse: parseSize }),
    BlkioDeviceWriteBps: deviceRates(flags, { flag: "device-write-bps", field: "Rate", parse: parseSize }),
    BlkioDeviceReadIOps: deviceRates(flags, { flag: "device-read-iops", field: "Rate", parse: number }),
    BlkioDeviceWriteIOps: deviceRates(flags, { flag: "device-write-iops", field: "Rate", parse: number }),
    CgroupParent: value(flags, "cgroupParent") ?? "",
    Devices: lists(flags, "device").map(parseDevice),
    DeviceCgroupRules: orNull(lists(flags, "deviceCgroupRule")),
    DeviceRequests: value(flags, "gpus") === undefined ? undefined : [parseGpus(value(flags, "gpus") ?? "")],
    Ulimits: lists(flags, "ulimit").map(parseUlimit),
  };
}

const NANOS_PER_CPU = 1e9;

function nanoCpus(flags: FlagValues): number {
  const given = value(flags, "cpus");
  if (given === undefined) return 0;
  const [, fraction = ""] = given.split(".");
  if (fraction.replace(/0+$/, "").length > 9) throw new FlagValueError("cpus", given, "value is too precise");
  return Math.round(Number(given) * NANOS_PER_CPU);
}

function namespaces(flags: FlagValues): { readonly [key: string]: Json } {
  return {
    IpcMode: value(flags, "ipc") ?? "",
    PidMode: value(flags, "pid") ?? "",
    UTSMode: value(flags, "uts") ?? "",
    UsernsMode: value(flags, "userns") ?? "",
    CgroupnsMode: value(flags, "cgroupns") ?? "",
  };
}

/** What each namespace may be said to be, where that is known before the daemon is asked. */
const MODES: readonly (readonly [flag: string, label: string, allowed: RegExp])[] = [
  ["pid", "PID", /^(?:host|container:.+)?$/],
  ["uts", "UTS", /^(?:host)?$/],
  ["userns", "USER", /^(?:host)?$/],
  ["cgroupns", "CGROUP", /^(?:host|private)?$/],
];

function checkModes(flags: FlagValues): void {
  for (const [flag, label, allowed] of MODES)
    if (!allowed.test(value(flags, flag) ?? "")) throw new CliError(`--${flag}: invalid ${label} mode`);
}

function logConfig(flags: FlagValues): Json {
  const driver = value(flags, "logDriver") ?? "";
  const options = pairs(lists(flags, "logOpt"));
  if (driver === "none" && Object.keys(options).length > 0) throw new CliError("invalid logging opts for driver none");
  return { Type: driver, Config: options };
}

function capabilities(names: readonly string[]): readonly string[] {
  const whole = names.map(name => {
    const upper = name.toUpperCase();
    return upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  });
  return [...new Set(whole)].sort();
}

function checkedAddress(address: string): string {
  if (!/^[\d.]+$|^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(address))
    throw new FlagValueError("dns", address, `IP address is not correctly formatted: ${address}`);
  return address;
}

/** The API separates name and address with a colon; the flag takes `=` too. */
function extraHost(given: string): string {
  const [, name, address] = /^([^:=]+)[:=](.+)$/.exec(given) ?? [];
  if (name === undefined) throw new FlagValueError("add-host", given, `bad format for add-host: "${given}"`);
  return `${name}:${address ?? ""}`;
}

function link(given: string): string {
  if (given === "") throw new FlagValueError("link", given, "empty string specified for links");
  return given;
}

/** Kernel parameters that each container has of its own, beside those of its network and its message queues. */
const SYSCTLS: readonly string[] = ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"].map(
  name => `kernel.${name}`,
);

function sysctl(given: string): string {
  const [name] = splitAt(given, "=");
  const isAllowed = given.includes("=") && (SYSCTLS.includes(name) || /^(?:net|fs\.mqueue)\./.test(name));
  if (!isAllowed) throw new FlagValueError("sysctl", given, `sysctl '${given}' is not allowed`);
  return given;
}

function storageOptions(flags: FlagValues): Json {
  const options = lists(flags, "storageOpt");
  if (options.some(option => !option.includes("="))) throw new CliError("invalid storage option");
  return options.length === 0 ? undefined : pairs(options);
}

/** `systempaths=unconfined` is not the daemon's word: it empties the lists of hidden paths. */
function security(flags: FlagValues): { readonly [key: string]: Json } {
  const given = lists(flags, "securityOpt");
  const isOpen = given.includes("systempaths=unconfined");
  const options = given
    .filter(option => option !== "systempaths=unconfined")
    .map(option => {
      const [key, setting] = splitAt(option.replace(/^(\w+):/, "$1="), "=");
      if (!option.includes("=") && !option.includes(":") && key !== "no-new-privileges")
        throw new CliError(`Invalid --security-opt: "${option}"`);
      if (key !== "seccomp" || setting === "unconfined" || setting === "builtin") return option;
      return `seccomp=${profile(setting)}`;
    });
  return { SecurityOpt: orNull(options), ...(isOpen && { MaskedPaths: [], ReadonlyPaths: [] }) };
}

function profile(path: string): string {
  let content: string;
  try {
    content = readText(path);
  } catch (error) {
    throw new CliError(`opening seccomp profile (${path}) failed: ${error instanceof Error ? error.message : ""}`);
  }
  try {
    return JSON.stringify(JSON.parse(content));
  } catch (error) {
    throw new CliError(`compacting json for seccomp profile (${path}) failed: ${error instanceof Error ? error.message : ""}`);
  }
}
