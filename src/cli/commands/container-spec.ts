import { readFileSync } from "node:fs";
import { CliError, type Json } from "../context.ts";
import { parseDuration, parseSize } from "../format/units.ts";
import { parseMount, withPath } from "./service-spec.ts";

/** Flags of `run` and `create` as commander hands them over. */
export type RunFlags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Flags with one value, those that gather several, and those that are on or off. */
export const RUN_VALUES: readonly string[] = [
  ...[
    "blkio-weight",
    "cgroup-parent",
    "cgroupns",
    "cidfile",
    "cpu-period",
    "cpu-quota",
    "cpu-shares",
    "cpus",
    "cpuset-cpus",
    "cpuset-mems",
    "detach-keys",
    "domainname",
  ],
  ...[
    "entrypoint",
    "health-cmd",
    "health-interval",
    "health-retries",
    "health-start-interval",
    "health-start-period",
    "health-timeout",
    "hostname",
    "ip",
    "ipc",
  ],
  ...[
    "log-driver",
    "mac-address",
    "memory",
    "memory-reservation",
    "memory-swap",
    "memory-swappiness",
    "name",
    "oom-score-adj",
    "pid",
    "pids-limit",
    "platform",
    "pull",
  ],
  ...["restart", "runtime", "shm-size", "stop-signal", "stop-timeout", "user", "userns", "uts", "volume-driver", "workdir"],
];
export const RUN_LISTS: readonly string[] = [
  ...[
    "add-host",
    "annotation",
    "attach",
    "cap-add",
    "cap-drop",
    "device",
    "device-cgroup-rule",
    "dns",
    "dns-option",
    "dns-search",
    "env",
    "env-file",
    "expose",
    "group-add",
  ],
  ...[
    "label",
    "label-file",
    "link",
    "log-opt",
    "mount",
    "network",
    "network-alias",
    "publish",
    "security-opt",
    "storage-opt",
    "sysctl",
    "tmpfs",
    "ulimit",
    "volume",
    "volumes-from",
  ],
];
export const RUN_SWITCHES: readonly string[] = [
  "init",
  "interactive",
  "oom-kill-disable",
  "privileged",
  "publish-all",
  "quiet",
  "read-only",
  "rm",
  "tty",
];
export const RUN_SHORT: Readonly<Record<string, string>> = {
  ...{
    attach: "a",
    env: "e",
    hostname: "h",
    interactive: "i",
    label: "l",
    memory: "m",
    publish: "p",
    "publish-all": "P",
    quiet: "q",
    tty: "t",
    user: "u",
    volume: "v",
    workdir: "w",
  },
  ...{ "cpu-shares": "c", detach: "d" },
};

/** The body of `POST /containers/create`. @throws CliError in the words of Docker's CLI. */
export function containerBody(image: string, command: readonly string[], flags: RunFlags & { readonly detach?: boolean }): Json {
  const isInteractive = flags["interactive"] === true;
  const attach = lists(flags, "attach").map(stream => stream.toLowerCase());
  const isAttached = (stream: string): boolean => (attach.length > 0 ? attach.includes(stream) : flags.detach !== true);
  let body: Json = {
    Hostname: value(flags, "hostname") ?? "",
    Domainname: value(flags, "domainname") ?? "",
    User: value(flags, "user") ?? "",
    AttachStdin: isInteractive && isAttached("stdin"),
    AttachStdout: isAttached("stdout"),
    AttachStderr: isAttached("stderr"),
    Tty: flags["tty"] === true,
    OpenStdin: isInteractive,
    StdinOnce: isInteractive && isAttached("stdin"),
    Env: environment(flags),
    Cmd: command.length > 0 ? [...command] : null,
    Image: image,
    WorkingDir: value(flags, "workdir") ?? "",
    Labels: pairs(lists(flags, "label")),
    ExposedPorts: Object.fromEntries(
      [...lists(flags, "expose").map(withProtocol), ...publishedPorts(flags).map(port => port.container)].map(port => [port, {}]),
    ),
    Volumes: Object.fromEntries(
      lists(flags, "volume")
        .filter(isAnonymous)
        .map(path => [path, {}]),
    ),
    HostConfig: hostConfig(flags),
  };
  const entrypoint = value(flags, "entrypoint");
  if (entrypoint !== undefined) body = withPath(body, ["Entrypoint"], entrypoint === "" ? [""] : [entrypoint]);
  const health = healthcheck(flags);
  if (health !== undefined) body = withPath(body, ["Healthcheck"], health);
  if (value(flags, "stopSignal") !== undefined) body = withPath(body, ["StopSignal"], value(flags, "stopSignal"));
  if (value(flags, "stopTimeout") !== undefined) body = withPath(body, ["StopTimeout"], integer(flags, "stopTimeout"));
  return withPath(body, ["NetworkingConfig"], networking(flags));
}

function hostConfig(flags: RunFlags): Json {
  const [network = "default"] = lists(flags, "network");
  return withoutUndefined({
    Binds: lists(flags, "volume").filter(path => !isAnonymous(path)),
    Mounts: lists(flags, "mount").length === 0 ? undefined : lists(flags, "mount").map(parseMount),
    NetworkMode: network,
    PortBindings: portBindings(flags),
    PublishAllPorts: flags["publishAll"] === true,
    RestartPolicy: restartPolicy(value(flags, "restart") ?? "no"),
    AutoRemove: flags["rm"] === true,
    LogConfig: { Type: value(flags, "logDriver") ?? "", Config: pairs(lists(flags, "logOpt")) },
    CapAdd: lists(flags, "capAdd"),
    CapDrop: lists(flags, "capDrop"),
    Dns: lists(flags, "dns"),
    DnsOptions: lists(flags, "dnsOption"),
    DnsSearch: lists(flags, "dnsSearch"),
    ExtraHosts: lists(flags, "addHost"),
    GroupAdd: lists(flags, "groupAdd"),
    IpcMode: value(flags, "ipc") ?? "",
    PidMode: value(flags, "pid") ?? "",
    UTSMode: value(flags, "uts") ?? "",
    UsernsMode: value(flags, "userns") ?? "",
    CgroupnsMode: value(flags, "cgroupns") ?? "",
    CgroupParent: value(flags, "cgroupParent") ?? "",
    Privileged: flags["privileged"] === true,
    ReadonlyRootfs: flags["readOnly"] === true,
    SecurityOpt: securityOptions(flags),
    StorageOpt: pairs(lists(flags, "storageOpt")),
    Sysctls: pairs(lists(flags, "sysctl")),
    Tmpfs: Object.fromEntries(lists(flags, "tmpfs").map(item => splitAt(item, ":"))),
    Ulimits: lists(flags, "ulimit").map(parseUlimit),
    VolumesFrom: lists(flags, "volumesFrom"),
    VolumeDriver: value(flags, "volumeDriver") ?? "",
    Links: lists(flags, "link"),
    Annotations: pairs(lists(flags, "annotation")),
    Devices: lists(flags, "device").map(parseDevice),
    DeviceCgroupRules: lists(flags, "deviceCgroupRule"),
    ShmSize: size(flags, "shmSize") ?? 0,
    Runtime: value(flags, "runtime") ?? "",
    Init: flags["init"] === true ? true : undefined,
    OomKillDisable: flags["oomKillDisable"] === true ? true : undefined,
    OomScoreAdj: integer(flags, "oomScoreAdj") ?? 0,
    Memory: size(flags, "memory") ?? 0,
    MemoryReservation: size(flags, "memoryReservation") ?? 0,
    MemorySwap: value(flags, "memorySwap") === "-1" ? -1 : (size(flags, "memorySwap") ?? 0),
    MemorySwappiness: integer(flags, "memorySwappiness"),
    NanoCpus: cpus(flags),
    CpuShares: integer(flags, "cpuShares") ?? 0,
    CpuPeriod: integer(flags, "cpuPeriod") ?? 0,
    CpuQuota: integer(flags, "cpuQuota") ?? 0,
    CpusetCpus: value(flags, "cpusetCpus") ?? "",
    CpusetMems: value(flags, "cpusetMems") ?? "",
    PidsLimit: integer(flags, "pidsLimit"),
    BlkioWeight: integer(flags, "blkioWeight") ?? 0,
  });
}

function networking(flags: RunFlags): Json {
  const endpoints = lists(flags, "network").map((name, index) => {
    const settings: { [key: string]: Json } = {};
    if (index === 0) {
      if (value(flags, "ip") !== undefined) settings["IPAMConfig"] = { IPv4Address: value(flags, "ip") };
      if (lists(flags, "networkAlias").length > 0) settings["Aliases"] = lists(flags, "networkAlias");
      if (value(flags, "macAddress") !== undefined) settings["MacAddress"] = value(flags, "macAddress");
    }
    return [name, settings] as const;
  });
  return { EndpointsConfig: Object.fromEntries(endpoints) };
}

function environment(flags: RunFlags): readonly string[] {
  const fromFiles = lists(flags, "envFile").flatMap(path =>
    readLines(path).filter(line => line.trim() !== "" && !line.startsWith("#")),
  );
  return [...fromFiles, ...lists(flags, "env")].flatMap(item => {
    if (item.startsWith("="))
      throw new CliError(`invalid argument "${item}" for "-e, --env" flag: invalid environment variable: ${item}`, 125);
    if (item.includes("=")) return [item];
    const inherited = process.env[item];
    return inherited === undefined ? [] : [`${item}=${inherited}`];
  });
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    throw new CliError(`open ${path}: no such file or directory`, 125);
  }
}

function healthcheck(flags: RunFlags): Json {
  if (flags["healthcheck"] === false) return { Test: ["NONE"] };
  const duration = (name: string): number | undefined => {
    const given = value(flags, name);
    if (given === undefined) return undefined;
    return parseDuration(given) ?? refuse(name, given, `time: invalid duration "${given}"`);
  };
  const command = value(flags, "healthCmd");
  const settings = withoutUndefined({
    Test: command === undefined ? undefined : ["CMD-SHELL", command],
    Interval: duration("healthInterval"),
    Timeout: duration("healthTimeout"),
    StartPeriod: duration("healthStartPeriod"),
    StartInterval: duration("healthStartInterval"),
    Retries: integer(flags, "healthRetries"),
  });
  return Object.keys(settings as object).length === 0 ? undefined : settings;
}

interface PublishedPort {
  /** `80/tcp`. */
  readonly container: string;
  readonly hostIp: string;
  readonly hostPort: string;
}

function publishedPorts(flags: RunFlags): readonly PublishedPort[] {
  return lists(flags, "publish").flatMap(parsePublish);
}

/** `[ip:][hostPort[-end]:]port[-end][/protocol]`. */
export function parsePublish(spec: string): readonly PublishedPort[] {
  const match = /^(?:(?:(\[[0-9a-fA-F:]+\]|[\d.]+):)?(?:(\d*)(?:-(\d+))?):)?(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(spec);
  if (match === null) throw new CliError(`invalid publish opts format (should be name=value but got '${spec}')`, 125);
  const [, hostIp = "", hostFrom = "", hostTo, from = "", to = from, protocol = "tcp"] = match;
  const count = Number(to) - Number(from) + 1;
  if (count < 1) throw new CliError(`invalid start port '${from}' and end port '${to}'`, 125);
  if (count > 1 && hostFrom !== "" && Number(hostTo ?? hostFrom) - Number(hostFrom) + 1 !== count)
    throw new CliError(`invalid ranges specified for container and host Ports: ${spec}`, 125);
  return Array.from({ length: count }, (_, index) => ({
    container: `${Number(from) + index}/${protocol}`,
    hostIp: hostIp.replace(/^\[|\]$/g, ""),
    hostPort:
      hostFrom === "" ? "" : count === 1 && hostTo !== undefined ? `${hostFrom}-${hostTo}` : String(Number(hostFrom) + index),
  }));
}

function portBindings(flags: RunFlags): Json {
  const bindings: { [port: string]: Json[] } = {};
  for (const { container, hostIp, hostPort } of publishedPorts(flags))
    (bindings[container] ??= []).push({ HostIp: hostIp, HostPort: hostPort });
  return bindings;
}

function restartPolicy(text: string): Json {
  const [name, count] = splitAt(text, ":");
  if (count !== "" && !/^\d+$/.test(count))
    throw new CliError(`invalid restart policy format: maximum retry count must be an integer`, 125);
  return { Name: name, MaximumRetryCount: Number(count) };
}

function securityOptions(flags: RunFlags): readonly string[] {
  return lists(flags, "securityOpt").map(option => {
    const [key, setting] = splitAt(option.replace(/^seccomp:/, "seccomp="), "=");
    if (key !== "seccomp" || setting === "unconfined" || setting === "builtin") return option;
    return `seccomp=${JSON.stringify(JSON.parse(readLines(setting).join("\n")))}`;
  });
}

function parseUlimit(text: string): Json {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (match === null) throw new CliError(`invalid argument "${text}" for "--ulimit" flag: invalid ulimit argument: ${text}`, 125);
  return { Name: match[1], Soft: Number(match[2]), Hard: Number(match[3] ?? match[2]) };
}

function parseDevice(text: string): Json {
  const [onHost = "", second, permissions = "rwm"] = text.split(":");
  const isMode = second !== undefined && /^[rwm]+$/.test(second);
  return {
    PathOnHost: onHost,
    PathInContainer: second === undefined || isMode ? onHost : second,
    CgroupPermissions: isMode ? second : permissions,
  };
}

function isAnonymous(volume: string): boolean {
  return !volume.includes(":");
}

function withProtocol(port: string): string {
  return port.includes("/") ? port : `${port}/tcp`;
}

function cpus(flags: RunFlags): number {
  const given = value(flags, "cpus");
  if (given === undefined) return 0;
  const parsed = Number(given);
  if (!(parsed >= 0)) refuse("cpus", given, `failed to parse ${given} as a rational number`);
  return Math.round(parsed * 1e9);
}

function size(flags: RunFlags, name: string): number | undefined {
  const given = value(flags, name);
  if (given === undefined) return undefined;
  return parseSize(given) ?? refuse(name, given, `invalid size: '${given}'`);
}

function integer(flags: RunFlags, name: string): number | undefined {
  const given = value(flags, name);
  if (given === undefined) return undefined;
  if (!/^-?\d+$/.test(given)) refuse(name, given, `strconv.ParseInt: parsing "${given}": invalid syntax`);
  return Number(given);
}

function refuse(name: string, given: string, reason: string): never {
  const flag = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
  throw new CliError(`invalid argument "${given}" for "--${flag}" flag: ${reason}`, 125);
}

function value(flags: RunFlags, name: string): string | undefined {
  const given = flags[name];
  return typeof given === "string" ? given : undefined;
}

function lists(flags: RunFlags, name: string): readonly string[] {
  const given = flags[name];
  return Array.isArray(given) ? (given as readonly string[]) : [];
}

function pairs(items: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(items.map(item => splitAt(item, "=")));
}

function splitAt(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function withoutUndefined(object: { readonly [key: string]: Json }): Json {
  return Object.fromEntries(Object.entries(object).filter(([, item]) => item !== undefined));
}
