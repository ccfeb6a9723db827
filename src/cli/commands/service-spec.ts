import type { Json } from "../context.ts";
import { field, list, text } from "../context.ts";
import { FlagValueError } from "../command/command.ts";
import { parseDuration, parseSize } from "../format/units.ts";
import { pairs, splitAt } from "./container-values.ts";
import { parseMount } from "./mount.ts";
import { LIST_CHANGES } from "./service-lists.ts";
import { MODE_CHANGES, newMode, unsigned } from "./service-mode.ts";
import { PREFERENCE_CHANGES } from "./service-placement.ts";
import { withPath } from "./with-path.ts";

/** Flags of `service create` and `service update` by their names in camel case. */
export type ServiceFlags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

type MutableJson = { [key: string]: Json };

/** The spec of a new service. @throws CliError in the words of Docker's CLI. */
export function newServiceSpec(image: string, command: readonly string[], flags: ServiceFlags): Json {
  const base: Json = {
    Name: "",
    Labels: {},
    TaskTemplate: { ContainerSpec: { Image: image }, ForceUpdate: 0 },
    Mode: newMode(flags),
    EndpointSpec: { Mode: "vip" },
  };
  const args = command.length > 0 ? { Args: [...command] } : {};
  return changedServiceSpec(withPath(base, ["TaskTemplate", "ContainerSpec"], { Image: image, ...args }), flags);
}

/** The spec with what the flags say changed; what no flag names stays. */
export function changedServiceSpec(spec: Json, flags: ServiceFlags): Json {
  let changed = spec;
  for (const [flag, value] of Object.entries(flags)) {
    const change = CHANGES[flag] ?? LIST_CHANGES[flag];
    if (change !== undefined && value !== undefined) changed = change(changed, value);
  }
  return changed;
}

type Change = (spec: Json, value: string | boolean | readonly string[]) => Json;

/** How long Docker watches a new task before it counts as good. */
const MONITOR_NANOS = 5e9;
const CONTAINER = ["TaskTemplate", "ContainerSpec"];

const CHANGES: Readonly<Record<string, Change>> = {
  name: (spec, value) => withPath(spec, ["Name"], String(value)),
  image: (spec, value) => withPath(spec, [...CONTAINER, "Image"], String(value)),
  args: (spec, value) => withPath(spec, [...CONTAINER, "Args"], String(value).split(/\s+/).filter(Boolean)),
  hostname: (spec, value) => withPath(spec, [...CONTAINER, "Hostname"], String(value)),
  user: (spec, value) => withPath(spec, [...CONTAINER, "User"], String(value)),
  workdir: (spec, value) => withPath(spec, [...CONTAINER, "Dir"], String(value)),
  tty: (spec, value) => withPath(spec, [...CONTAINER, "TTY"], value === true),
  init: (spec, value) => withPath(spec, [...CONTAINER, "Init"], value === true),
  readOnly: (spec, value) => withPath(spec, [...CONTAINER, "ReadOnly"], value === true),
  stopSignal: (spec, value) => withPath(spec, [...CONTAINER, "StopSignal"], String(value)),
  stopGracePeriod: (spec, value) => withPath(spec, [...CONTAINER, "StopGracePeriod"], duration("stop-grace-period", value)),
  env: (spec, value) => withPath(spec, [...CONTAINER, "Env"], mergedEnv(list(spec, ...CONTAINER, "Env"), value)),
  envAdd: (spec, value) => withPath(spec, [...CONTAINER, "Env"], mergedEnv(list(spec, ...CONTAINER, "Env"), value)),
  envRm: (spec, value) =>
    withPath(
      spec,
      [...CONTAINER, "Env"],
      list(spec, ...CONTAINER, "Env").filter(item => !many(value).includes(text(item).split("=")[0] ?? "")),
    ),
  mount: (spec, value) => withPath(spec, [...CONTAINER, "Mounts"], many(value).map(parseMount)),
  mountAdd: (spec, value) =>
    withPath(spec, [...CONTAINER, "Mounts"], [...list(spec, ...CONTAINER, "Mounts"), ...many(value).map(parseMount)]),
  mountRm: (spec, value) =>
    withPath(
      spec,
      [...CONTAINER, "Mounts"],
      list(spec, ...CONTAINER, "Mounts").filter(mount => !many(value).includes(text(mount, "Target"))),
    ),
  label: (spec, value) => addLabels(spec, ["Labels"], value),
  labelAdd: (spec, value) => addLabels(spec, ["Labels"], value),
  labelRm: (spec, value) => removeLabels(spec, ["Labels"], value),
  containerLabel: (spec, value) => addLabels(spec, [...CONTAINER, "Labels"], value),
  containerLabelAdd: (spec, value) => addLabels(spec, [...CONTAINER, "Labels"], value),
  containerLabelRm: (spec, value) => removeLabels(spec, [...CONTAINER, "Labels"], value),
  healthCmd: (spec, value) => withPath(spec, [...CONTAINER, "Healthcheck", "Test"], ["CMD-SHELL", String(value)]),
  healthInterval: (spec, value) => withPath(spec, [...CONTAINER, "Healthcheck", "Interval"], duration("health-interval", value)),
  healthTimeout: (spec, value) => withPath(spec, [...CONTAINER, "Healthcheck", "Timeout"], duration("health-timeout", value)),
  healthStartInterval: (spec, value) =>
    withPath(spec, [...CONTAINER, "Healthcheck", "StartInterval"], duration("health-start-interval", value)),
  entrypoint: (spec, value) => withPath(spec, [...CONTAINER, "Command"], String(value).split(/\s+/).filter(Boolean)),
  oomScoreAdj: (spec, value) => withPath(spec, [...CONTAINER, "OomScoreAdj"], integer("oom-score-adj", value)),
  healthRetries: (spec, value) => withPath(spec, [...CONTAINER, "Healthcheck", "Retries"], integer("health-retries", value)),
  healthStartPeriod: (spec, value) =>
    withPath(spec, [...CONTAINER, "Healthcheck", "StartPeriod"], duration("health-start-period", value)),
  healthcheck: (spec, value) => (value === false ? withPath(spec, [...CONTAINER, "Healthcheck"], { Test: ["NONE"] }) : spec),
  ...MODE_CHANGES,
  constraint: (spec, value) => withPath(spec, ["TaskTemplate", "Placement", "Constraints"], many(value)),
  constraintAdd: (spec, value) =>
    withPath(
      spec,
      ["TaskTemplate", "Placement", "Constraints"],
      [...list(spec, "TaskTemplate", "Placement", "Constraints"), ...many(value)],
    ),
  constraintRm: (spec, value) =>
    withPath(
      spec,
      ["TaskTemplate", "Placement", "Constraints"],
      list(spec, "TaskTemplate", "Placement", "Constraints").filter(item => !many(value).includes(text(item))),
    ),
  ...PREFERENCE_CHANGES,
  replicasMaxPerNode: (spec, value) =>
    withPath(spec, ["TaskTemplate", "Placement", "MaxReplicas"], unsigned("replicas-max-per-node", value)),
  limitCpu: (spec, value) => withPath(spec, ["TaskTemplate", "Resources", "Limits", "NanoCPUs"], cpus("limit-cpu", value)),
  limitMemory: (spec, value) =>
    withPath(spec, ["TaskTemplate", "Resources", "Limits", "MemoryBytes"], size("limit-memory", value)),
  limitPids: (spec, value) => withPath(spec, ["TaskTemplate", "Resources", "Limits", "Pids"], unsigned("limit-pids", value)),
  reserveCpu: (spec, value) =>
    withPath(spec, ["TaskTemplate", "Resources", "Reservations", "NanoCPUs"], cpus("reserve-cpu", value)),
  reserveMemory: (spec, value) =>
    withPath(spec, ["TaskTemplate", "Resources", "Reservations", "MemoryBytes"], size("reserve-memory", value)),
  restartCondition: (spec, value) => withPath(spec, ["TaskTemplate", "RestartPolicy", "Condition"], String(value)),
  restartDelay: (spec, value) => withPath(spec, ["TaskTemplate", "RestartPolicy", "Delay"], duration("restart-delay", value)),
  restartMaxAttempts: (spec, value) =>
    withPath(spec, ["TaskTemplate", "RestartPolicy", "MaxAttempts"], unsigned("restart-max-attempts", value)),
  restartWindow: (spec, value) => withPath(spec, ["TaskTemplate", "RestartPolicy", "Window"], duration("restart-window", value)),
  network: (spec, value) => withPath(spec, ["TaskTemplate", "Networks"], many(value).map(parseAttachment)),
  networkAdd: (spec, value) =>
    withPath(
      spec,
      ["TaskTemplate", "Networks"],
      // Not those that it may have had there before: the managers keep addresses that nothing is said about.
      [...list(spec, "TaskTemplate", "Networks"), ...many(value).map(item => ({ Addresses: [], ...parseAttachment(item) }))],
    ),
  networkRm: (spec, value) =>
    withPath(
      spec,
      ["TaskTemplate", "Networks"],
      list(spec, "TaskTemplate", "Networks").filter(item => !many(value).includes(text(item, "Target"))),
    ),
  endpointMode: (spec, value) => withPath(spec, ["EndpointSpec", "Mode"], String(value)),
  publish: (spec, value) => withPath(spec, ["EndpointSpec", "Ports"], many(value).flatMap(parsePort)),
  publishAdd: (spec, value) =>
    withPath(spec, ["EndpointSpec", "Ports"], [...list(spec, "EndpointSpec", "Ports"), ...many(value).flatMap(parsePort)]),
  publishRm: (spec, value) =>
    withPath(
      spec,
      ["EndpointSpec", "Ports"],
      list(spec, "EndpointSpec", "Ports").filter(
        port => !many(value).some(gone => Number(gone.split("/")[0]) === field(port, "TargetPort")),
      ),
    ),
  logDriver: (spec, value) => withPath(spec, ["TaskTemplate", "LogDriver", "Name"], String(value)),
  ...policyChanges("update", "UpdateConfig"),
  ...policyChanges("rollback", "RollbackConfig"),
};

/** --update-* and --rollback-* say the same of two policies. */
function policyChanges(prefix: "update" | "rollback", key: string): Readonly<Record<string, Change>> {
  const defaults = { Parallelism: 1, FailureAction: "pause", Monitor: MONITOR_NANOS, Order: "stop-first" };
  const set = (name: string, value: Json) => (spec: Json) =>
    withPath(withPath(spec, [key], { ...defaults, ...(field(spec, key) as MutableJson | undefined) }), [key, name], value);
  return {
    [`${prefix}Parallelism`]: (spec, value) => set("Parallelism", unsigned(`${prefix}-parallelism`, value))(spec),
    [`${prefix}Delay`]: (spec, value) => set("Delay", duration(`${prefix}-delay`, value))(spec),
    [`${prefix}Monitor`]: (spec, value) => set("Monitor", duration(`${prefix}-monitor`, value))(spec),
    [`${prefix}Order`]: (spec, value) => set("Order", String(value))(spec),
    [`${prefix}FailureAction`]: (spec, value) => set("FailureAction", String(value))(spec),
    [`${prefix}MaxFailureRatio`]: (spec, value) => set("MaxFailureRatio", Number(value))(spec),
  };
}

function many(value: string | boolean | readonly string[]): readonly string[] {
  return typeof value === "object" ? value : [String(value)];
}

function mergedEnv(before: readonly Json[], value: string | boolean | readonly string[]): readonly string[] {
  const byName = new Map(before.map(item => [text(item).split("=")[0] ?? "", text(item)]));
  for (const item of many(value))
    byName.set(item.split("=")[0] ?? "", item.includes("=") ? item : `${item}=${process.env[item] ?? ""}`);
  return [...byName.values()];
}

function addLabels(spec: Json, path: readonly string[], value: string | boolean | readonly string[]): Json {
  const added = Object.fromEntries(
    many(value).map(item => [item.split("=")[0] ?? "", item.slice(item.includes("=") ? item.indexOf("=") + 1 : item.length)]),
  );
  return withPath(spec, path, { ...(field(spec, ...path) as MutableJson | undefined), ...added });
}

function removeLabels(spec: Json, path: readonly string[], value: string | boolean | readonly string[]): Json {
  const gone = many(value);
  const kept = Object.entries((field(spec, ...path) ?? {}) as MutableJson).filter(([key]) => !gone.includes(key));
  return withPath(spec, path, Object.fromEntries(kept));
}

function invalid(flag: string, value: unknown, reason: string): FlagValueError {
  return new FlagValueError(flag, String(value), reason);
}

function duration(flag: string, value: unknown): number {
  const parsed = parseDuration(String(value));
  if (parsed === undefined) throw invalid(flag, value, `time: invalid duration "${String(value)}"`);
  return parsed;
}

function size(flag: string, value: unknown): number {
  const parsed = parseSize(String(value));
  if (parsed === undefined) throw invalid(flag, value, `invalid size: '${String(value)}'`);
  return parsed;
}

function cpus(flag: string, value: unknown): number {
  const parsed = Number(value);
  if (!(parsed >= 0)) throw invalid(flag, value, `failed to parse ${String(value)} as a rational number`);
  return Math.round(parsed * 1e9);
}

function integer(flag: string, value: unknown): number {
  if (!/^-?\d+$/.test(String(value))) throw invalid(flag, value, `strconv.ParseInt: parsing "${String(value)}": invalid syntax`);
  return Number(value);
}

/** A name, or `name=net,alias=web,driver-opt=a=b`. Beyond Docker: `ip=10.0.1.20-10.0.1.29`, addresses of the tasks by their slots. */
function parseAttachment(given: string): MutableJson {
  if (!given.includes("=")) return { Target: given };
  const options = given.split(",").map(item => splitAt(item, "="));
  const all = (key: string): readonly string[] => options.filter(([name]) => name === key).map(([, setting]) => setting);
  const unknown = options.find(([key]) => !["name", "alias", "driver-opt", "ip"].includes(key));
  if (unknown !== undefined) throw invalid("network", given, `invalid field key ${unknown[0]}`);
  const [Target] = all("name");
  if (Target === undefined) throw invalid("network", given, "network name/id is not specified");
  return {
    Target,
    ...(all("alias").length > 0 && { Aliases: all("alias") }),
    ...(all("driver-opt").length > 0 && { DriverOpts: pairs(all("driver-opt")) }),
    ...(all("ip").length > 0 && { Addresses: all("ip") }),
  };
}

/** `8080:80/tcp`, ranges, and `published=8080,target=80,protocol=tcp,mode=host`. */
export function parsePort(value: string): readonly Json[] {
  if (value.includes("=")) return [parseLongPort(value)];
  const match = /^(?:(\d+)(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  if (match === null) throw invalid("publish", value, `invalid containerPort: ${value}`);
  const [, from, to = from, target = "", targetEnd = target, protocol = "tcp"] = match;
  const count = Number(targetEnd) - Number(target) + 1;
  if (from !== undefined && Number(to) - Number(from) + 1 !== count)
    throw invalid("publish", value, `invalid ranges specified for container and host Ports: ${value}`);
  return Array.from({ length: count }, (_, index) => ({
    Protocol: protocol,
    TargetPort: Number(target) + index,
    ...(from === undefined ? {} : { PublishedPort: Number(from) + index }),
    PublishMode: "ingress",
  }));
}

function parseLongPort(value: string): Json {
  const port: MutableJson = { Protocol: "tcp", PublishMode: "ingress" };
  for (const item of value.split(",")) {
    const [key = "", setting = ""] = item.split("=");
    if (key === "target" || key === "published") {
      if (!/^\d+$/.test(setting))
        throw invalid("publish", value, `invalid ${key} port (${setting}): value must be an integer: invalid syntax`);
      port[key === "target" ? "TargetPort" : "PublishedPort"] = Number(setting);
    } else if (key === "protocol") port["Protocol"] = setting;
    else if (key === "mode") port["PublishMode"] = setting;
    else throw invalid("publish", value, `invalid field key ${key}`);
  }
  if (port["TargetPort"] === undefined) throw invalid("publish", value, `missing mandatory field "target"`);
  return port;
}
