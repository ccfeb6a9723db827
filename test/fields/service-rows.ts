/** What becomes of a field of a service's spec. */
export interface ServiceFieldRow {
  /** As the specification has it. */
  readonly path: string;
  readonly value: unknown;
  /** What else the spec holds, by path. */
  readonly with?: Readonly<Record<string, unknown>>;
  /** What the spec that is compared has in the field; missing: nothing. */
  readonly insteadOf?: unknown;
  readonly outcome: Outcome;
}

export type Outcome =
  /** The container of its task differs there: a path in what the engine is asked for. */
  | { readonly kind: "container"; readonly at: string; readonly is: unknown }
  /** The managers act on it: a test, by file and title, shows how. */
  | { readonly kind: "managers"; readonly test: string; readonly title: string }
  /** The spec keeps it, and nothing is done with it by design. */
  | { readonly kind: "kept"; readonly why: string }
  | { readonly kind: "refused"; readonly says: RegExp };

const CONTAINER = "TaskTemplate.ContainerSpec.";
type More = ServiceFieldRow["with"];

/** @param at - Of the container's config where it begins so, else of its host config. */
export const container = (
  name: string,
  value: unknown,
  at: string,
  options: { readonly is?: unknown; readonly with?: More } = {},
) => ({
  path: `${CONTAINER}${name}`,
  value,
  ...(options.with !== undefined && { with: options.with }),
  outcome: { kind: "container", at, is: "is" in options ? options.is : value } as const,
});
export const managers = (path: string, value: unknown, [test, title]: readonly [string, string], more: More = {}) => ({
  path,
  value,
  with: more,
  outcome: { kind: "managers", test, title } as const,
});
const refused = (path: string, value: unknown, says: RegExp, more: More = {}) => ({
  path,
  value,
  with: more,
  outcome: { kind: "refused", says } as const,
});

const MOUNTS = `${CONTAINER}Mounts[].`;
const SOURCES = { volume: "data", bind: "/srv", tmpfs: undefined } as const;
const mount = (
  name: string,
  value: unknown,
  more: { readonly type?: keyof typeof SOURCES; readonly at: string; readonly insteadOf?: unknown; readonly isReadOnly?: true },
) => {
  const { type = "volume", at, insteadOf, isReadOnly } = more;
  const source = name === "Type" ? undefined : SOURCES[type];
  const whole = { Type: type, Target: "/data", Source: source, ReadOnly: isReadOnly };
  const others = Object.entries(whole).filter(([key, given]) => key !== name && given !== undefined);
  const fields = Object.fromEntries(others.map(([key, given]) => [`${MOUNTS}${key}`, given]));
  return { ...container(`Mounts[].${name}`, value, `hostConfig.mounts.0.${at}`, { with: fields }), insteadOf };
};

const CONVERGENCE = "test/sim/cluster/convergence.test.ts";
const PLACE = "test/unit/scheduler/place.test.ts";
const PLACE_PROPERTIES = "test/unit/scheduler/place-properties.test.ts";
const GENERIC_TEST = "test/unit/scheduler/generic-resources.test.ts";
const RESTART = "test/unit/manager/orchestrator/restart.test.ts";
const JOBS = "test/sim/cluster/jobs.test.ts";
const ALLOCATION = "test/unit/manager/allocator/plan.test.ts";
const NETWORK_NAMES = ["test/unit/network/cluster-names.test.ts", "aliases"] as const;
const UPDATES = [CONVERGENCE, "at a time, keeps at least"] as const;
const ON_FAILURE = [CONVERGENCE, "rolls back when told to on failure"] as const;
const MONITORED = [CONVERGENCE, "when one task of four fails and"] as const;
const GOES_BACK = [CONVERGENCE, "goes back when the user asks, and says so"] as const;
const ROLLBACK_FAILS = [CONVERGENCE, "pauses a rollback that fails too"] as const;

const update = (where: "UpdateConfig" | "RollbackConfig") => {
  const isUpdate = where === "UpdateConfig";
  return [
    managers(`${where}.Parallelism`, 3, isUpdate ? UPDATES : GOES_BACK),
    managers(`${where}.Delay`, 5e9, isUpdate ? UPDATES : GOES_BACK),
    managers(`${where}.FailureAction`, "continue", isUpdate ? ON_FAILURE : ROLLBACK_FAILS),
    managers(`${where}.Monitor`, 7e9, isUpdate ? MONITORED : ROLLBACK_FAILS),
    managers(`${where}.MaxFailureRatio`, 0.5, isUpdate ? MONITORED : ROLLBACK_FAILS),
    managers(`${where}.Order`, "start-first", isUpdate ? UPDATES : GOES_BACK),
  ];
};

const attachment = (path: string) => [
  managers(`${path}.Target`, "backend", [ALLOCATION, "has an address on each network"]),
  managers(`${path}.Aliases`, ["other"], NETWORK_NAMES, { [`${path}.Target`]: "backend" }),
  {
    path: `${path}.DriverOpts`,
    value: { a: "b" },
    with: { [`${path}.Target`]: "backend" },
    outcome: { kind: "kept", why: "the overlay driver has no options of endpoints, in Docker either" } as const,
  },
];

const FILE_TEST = ["test/unit/worker/task-storage.test.ts", "shows secrets and configs where the service wants them"] as const;
const references = (kind: "Secret" | "Config") => {
  const path = `${CONTAINER}${kind}s[]`;
  const whole = { [`${path}.File.Name`]: "file", [`${path}.${kind}ID`]: "id", [`${path}.${kind}Name`]: "name" };
  const row = (name: string, value: unknown) => {
    const { [`${path}.${name}`]: insteadOf, ...others } = whole;
    return { ...managers(`${path}.${name}`, value, FILE_TEST, others), insteadOf };
  };
  return [
    row("File.Name", "other"),
    row("File.UID", "5"),
    row("File.GID", "6"),
    row("File.Mode", 0o400),
    row(`${kind}ID`, "other-id"),
    row(`${kind}Name`, "other-name"),
  ];
};

const NOT_SUPPORTED = /is not supported by this engine/;
const PRIVILEGES = `${CONTAINER}Privileges.`;
const option = (name: string, value: unknown, text: string, more: More = {}) =>
  container(`Privileges.${name}`, value, "hostConfig.securityOpt", { is: [text], with: more });
const health = (name: string, value: unknown, at: string) => container(`HealthCheck.${name}`, value, `config.healthcheck.${at}`);
const RESOURCES = "TaskTemplate.Resources.";
const GENERIC = `${RESOURCES}Reservations.GenericResources[].`;
const resource = (name: string, value: unknown, at: string, options: { readonly is?: unknown; readonly with?: More } = {}) => ({
  ...container("", value, at, options),
  path: `${RESOURCES}${name}`,
});
const JOB = { "Mode.ReplicatedJob.TotalCompletions": 5 };
const PORT = { "EndpointSpec.Ports[].TargetPort": 80 };

/** Every field of a service's spec, as the specification of the API has them. */
export const SERVICE_ROWS: readonly ServiceFieldRow[] = [
  { ...managers("Name", "other", [CONVERGENCE, "brings a replicated service up"]), insteadOf: "web" },
  managers("Labels", { a: "b" }, ["test/unit/worker/task-container.test.ts", "fills in templates"]),
  refused("TaskTemplate.PluginSpec.Name", "p", NOT_SUPPORTED),
  refused("TaskTemplate.PluginSpec.Remote", "p", NOT_SUPPORTED),
  refused("TaskTemplate.PluginSpec.Disabled", true, NOT_SUPPORTED),
  refused("TaskTemplate.PluginSpec.PluginPrivilege[].Name", "p", NOT_SUPPORTED),
  refused("TaskTemplate.PluginSpec.PluginPrivilege[].Description", "p", NOT_SUPPORTED),
  refused("TaskTemplate.PluginSpec.PluginPrivilege[].Value", ["p"], NOT_SUPPORTED),
  { ...container("Image", "other:2", "config.image"), insteadOf: "app:1" },
  container("Labels", { a: "b" }, "config.labels.a", { is: "b" }),
  container("Command", ["/bin/x"], "config.entrypoint"),
  container("Args", ["-v"], "config.cmd"),
  container("Hostname", "box", "config.hostname"),
  container("Env", ["A=b"], "config.env"),
  container("Dir", "/srv", "config.workingDir"),
  container("User", "5:6", "config.user"),
  container("Groups", ["7"], "hostConfig.groupAdd"),
  refused(`${PRIVILEGES}CredentialSpec.Config`, "c", NOT_SUPPORTED),
  refused(`${PRIVILEGES}CredentialSpec.File`, "c", NOT_SUPPORTED),
  refused(`${PRIVILEGES}CredentialSpec.Registry`, "c", NOT_SUPPORTED),
  option("SELinuxContext.Disable", true, "label=disable"),
  option("SELinuxContext.User", "u", "label=user:u"),
  option("SELinuxContext.Role", "r", "label=role:r"),
  option("SELinuxContext.Type", "t", "label=type:t"),
  option("SELinuxContext.Level", "l", "label=level:l"),
  option("Seccomp.Mode", "unconfined", "seccomp=unconfined"),
  option("Seccomp.Profile", Buffer.from("{}").toString("base64"), "seccomp={}", { [`${PRIVILEGES}Seccomp.Mode`]: "custom" }),
  option("AppArmor.Mode", "disabled", "apparmor=unconfined"),
  option("NoNewPrivileges", true, "no-new-privileges=true"),
  container("TTY", true, "config.tty"),
  container("OpenStdin", true, "config.openStdin"),
  container("ReadOnly", true, "hostConfig.readonlyRootfs"),
  mount("Target", "/other", { at: "target", insteadOf: "/data" }),
  mount("Source", "other", { at: "source" }),
  mount("Type", "tmpfs", { at: "type", insteadOf: "volume" }),
  mount("ReadOnly", true, { at: "readOnly" }),
  mount("Consistency", "cached", { at: "consistency" }),
  mount("BindOptions.Propagation", "rshared", { type: "bind", at: "bind.propagation" }),
  mount("BindOptions.NonRecursive", true, { type: "bind", at: "bind.nonRecursive" }),
  mount("BindOptions.CreateMountpoint", true, { type: "bind", at: "bind.createMountpoint" }),
  mount("BindOptions.ReadOnlyNonRecursive", true, { type: "bind", at: "bind.readOnlyNonRecursive", isReadOnly: true }),
  mount("BindOptions.ReadOnlyForceRecursive", true, { type: "bind", at: "bind.readOnlyForceRecursive", isReadOnly: true }),
  mount("VolumeOptions.NoCopy", true, { at: "volume.noCopy" }),
  mount("VolumeOptions.Labels", { a: "b" }, { at: "volume.labels" }),
  mount("VolumeOptions.DriverConfig.Name", "local", { at: "volume.driverName" }),
  mount("VolumeOptions.DriverConfig.Options", { a: "b" }, { at: "volume.driverOptions" }),
  mount("VolumeOptions.Subpath", "sub", { at: "volume.subpath" }),
  refused(`${MOUNTS}ImageOptions.Subpath`, "sub", /mounts of type image are not supported/, {
    [`${MOUNTS}Type`]: "image",
    [`${MOUNTS}Target`]: "/data",
    [`${MOUNTS}Source`]: "app:1",
  }),
  mount("TmpfsOptions.SizeBytes", 4096, { type: "tmpfs", at: "tmpfs.sizeBytes" }),
  mount("TmpfsOptions.Mode", 0o700, { type: "tmpfs", at: "tmpfs.mode" }),
  mount("TmpfsOptions.Options", [["noexec"]], { type: "tmpfs", at: "tmpfs.options" }),
  container("StopSignal", "SIGINT", "config.stopSignal"),
  container("StopGracePeriod", 3e9, "config.stopTimeoutSeconds", { is: 3 }),
  health("Test", ["CMD", "true"], "test"),
  health("Interval", 2e9, "intervalNs"),
  health("Timeout", 2e9, "timeoutNs"),
  health("Retries", 4, "retries"),
  health("StartPeriod", 2e9, "startPeriodNs"),
  health("StartInterval", 2e9, "startIntervalNs"),
  container("Hosts", ["10.0.0.9 a b"], "hostConfig.extraHosts", { is: ["a:10.0.0.9", "b:10.0.0.9"] }),
  container("DNSConfig.Nameservers", ["10.0.0.9"], "hostConfig.dns"),
  container("DNSConfig.Search", ["lan"], "hostConfig.dnsSearch"),
  container("DNSConfig.Options", ["ndots:2"], "hostConfig.dnsOptions"),
  ...references("Secret"),
  container("OomScoreAdj", 100, "hostConfig.oomScoreAdj"),
  ...references("Config"),
  refused(`${CONTAINER}Configs[].Runtime`, { a: 1 }, NOT_SUPPORTED),
  container("Isolation", "hyperv", "hostConfig.isolation"),
  container("Init", true, "hostConfig.init"),
  container("Sysctls", { "net.core.somaxconn": "9" }, "hostConfig.sysctls"),
  container("CapabilityAdd", ["CAP_NET_ADMIN"], "hostConfig.capAdd"),
  container("CapabilityDrop", ["CAP_CHOWN"], "hostConfig.capDrop"),
  container("Ulimits[].Name", "nofile", "hostConfig.ulimits.0.name"),
  container("Ulimits[].Soft", 5, "hostConfig.ulimits.0.soft", { with: { [`${CONTAINER}Ulimits[].Name`]: "nofile" } }),
  container("Ulimits[].Hard", 6, "hostConfig.ulimits.0.hard", { with: { [`${CONTAINER}Ulimits[].Name`]: "nofile" } }),
  refused("TaskTemplate.NetworkAttachmentSpec.ContainerID", "c", NOT_SUPPORTED),
  resource("Limits.NanoCPUs", 5e8, "hostConfig.nanoCpus"),
  resource("Limits.MemoryBytes", 2 ** 23, "hostConfig.memoryBytes"),
  resource("Limits.Pids", 9, "hostConfig.pidsLimit"),
  managers(`${RESOURCES}Reservations.NanoCPUs`, 5e8, [
    PLACE_PROPERTIES,
    "gives each task a node or a reason, and no node more than it has",
  ]),
  resource("Reservations.MemoryBytes", 2 ** 23, "hostConfig.memoryReservationBytes"),
  ...["Kind", "Value"].map(name =>
    managers(`${GENERIC}NamedResourceSpec.${name}`, "gpu", [GENERIC_TEST, "is asked for by name, which no task may"]),
  ),
  managers(`${GENERIC}DiscreteResourceSpec.Kind`, "gpu", [GENERIC_TEST, "has the kind, and enough of it"]),
  managers(`${GENERIC}DiscreteResourceSpec.Value`, 1, [GENERIC_TEST, "has the kind, and enough of it"]),
  resource("SwapBytes", 2 ** 22, "hostConfig.memorySwapBytes", {
    is: 2 ** 23 + 2 ** 22,
    with: { [`${RESOURCES}Limits.MemoryBytes`]: 2 ** 23 },
  }),
  resource("MemorySwappiness", 10, "hostConfig.memorySwappiness"),
  managers("TaskTemplate.RestartPolicy.Condition", "on-failure", [RESTART, "it failed and failures count"]),
  managers("TaskTemplate.RestartPolicy.Delay", 3e9, [RESTART, "waits 5 s by default, and as long as is said otherwise"]),
  managers("TaskTemplate.RestartPolicy.MaxAttempts", 3, [RESTART, "two attempts of two were made"]),
  managers("TaskTemplate.RestartPolicy.Window", 3e9, [RESTART, "attempts were before the window"]),
  managers(
    "TaskTemplate.Placement.Constraints",
    ["node.role==manager"],
    [PLACE_PROPERTIES, "breaks nothing that a task insists on"],
  ),
  managers("TaskTemplate.Placement.Preferences[].Spread.SpreadDescriptor", "node.labels.zone", [
    PLACE,
    "evens out over the values of a preferred label first",
  ]),
  managers("TaskTemplate.Placement.MaxReplicas", 2, [PLACE, "max replicas per node limit exceed"]),
  managers("TaskTemplate.Placement.Platforms[].Architecture", "arm64", [PLACE, "unsupported platform on"]),
  managers("TaskTemplate.Placement.Platforms[].OS", "windows", [PLACE, "unsupported platform on"]),
  managers("TaskTemplate.ForceUpdate", 2, [CONVERGENCE, "replaces all tasks when forced"]),
  refused("TaskTemplate.Runtime", "plugin", /unsupported runtime/),
  ...attachment("TaskTemplate.Networks[]"),
  { ...resource("", "syslog", "hostConfig.logConfig.type"), path: "TaskTemplate.LogDriver.Name" },
  { ...resource("", { a: "b" }, "hostConfig.logConfig.options"), path: "TaskTemplate.LogDriver.Options" },
  managers("Mode.Replicated.Replicas", 7, [CONVERGENCE, "scales up and down"]),
  managers("Mode.Global", {}, [CONVERGENCE, "runs a global service on every node"]),
  managers("Mode.ReplicatedJob.MaxConcurrent", 2, [JOBS, "runs so many tasks at a time"], JOB),
  managers("Mode.ReplicatedJob.TotalCompletions", 3, [JOBS, "until so many have completed"]),
  managers("Mode.GlobalJob", {}, [JOBS, "runs once on every node"]),
  ...update("UpdateConfig"),
  ...update("RollbackConfig"),
  ...attachment("Networks[]"),
  managers("EndpointSpec.Mode", "dnsrr", ["test/unit/network/cluster-names.test.ts", "dnsrr"]),
  { ...managers("EndpointSpec.Ports[].Name", "web", ["", ""], PORT), outcome: { kind: "kept", why: "a name for people" } },
  managers("EndpointSpec.Ports[].Protocol", "udp", ["test/unit/network/cluster-tables.test.ts", "protocol"], PORT),
  managers("EndpointSpec.Ports[].TargetPort", 81, [ALLOCATION, "picks free ports from 30000 on"]),
  managers("EndpointSpec.Ports[].PublishedPort", 8080, [ALLOCATION, "waits while another service has its port"], PORT),
  managers("EndpointSpec.Ports[].PublishMode", "host", [PLACE, "host-mode port already in use"], PORT),
];
