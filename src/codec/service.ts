import type * as model from "../model/cluster.ts";
import type { ServiceHostOptions } from "../model/service-host-options.ts";
import type { ServicePrivileges } from "../model/service-privileges.ts";
import type { GenericResource, ResourceRequirements } from "../model/resources.ts";
import type * as wire from "../gen/objects.ts";
import {
  type Codec,
  flag,
  id,
  labels,
  list,
  needed,
  number,
  optional,
  record,
  text,
  union,
  UnknownWireValue,
  word,
  wrappedLabels,
  wrappedList,
} from "./combinators.ts";

const texts = wrappedList(text);

export const metaFields = { version: number, createdAtMs: number, updatedAtMs: number };

export const sequencedFields = { ...metaFields, specChangedAfter: optional(number) };

export const port = record<model.PortConfig, wire.PortConfig>({
  name: optional(text),
  protocol: word(["tcp", "udp", "sctp"]),
  targetPort: number,
  publishedPort: optional(number),
  publishMode: word(["ingress", "host"]),
});

export const endpointSpec = record<model.EndpointSpec, wire.EndpointSpec>({
  mode: word(["vip", "dnsrr"]),
  ports: list(port),
});

export const virtualIp = record<model.ServiceEndpoint["virtualIps"][number], wire.VirtualIp>({
  networkId: id(),
  address: text,
});

export const platform = record<{ readonly architecture: string; readonly os: string }, wire.Platform>({
  architecture: text,
  os: text,
});

function fileReference<Id extends model.Secret["id"] | model.Config["id"]>() {
  return record<model.FileReference<Id>, wire.FileReference>({
    id: id<Id>(),
    name: text,
    file: needed(
      record<model.FileReference<Id>["file"], wire.FileReference_File>({ name: text, uid: text, gid: text, mode: number }),
    ),
  });
}

const mount = record<model.Mount, wire.Mount>({
  type: word(["bind", "volume", "tmpfs", "image", "npipe", "cluster"]),
  source: optional(text),
  target: text,
  readOnly: optional(flag),
  consistency: optional(text),
  bind: optional(
    record<NonNullable<model.Mount["bind"]>, wire.Mount_Bind>({
      propagation: optional(text),
      nonRecursive: optional(flag),
      createMountpoint: optional(flag),
      readOnlyNonRecursive: optional(flag),
      readOnlyForceRecursive: optional(flag),
    }),
  ),
  volume: optional(
    record<NonNullable<model.Mount["volume"]>, wire.Mount_Volume>({
      noCopy: optional(flag),
      labels: optional(wrappedLabels),
      driverName: optional(text),
      driverOptions: optional(wrappedLabels),
      subpath: optional(text),
    }),
  ),
  tmpfs: optional(
    record<NonNullable<model.Mount["tmpfs"]>, wire.Mount_Tmpfs>({
      sizeBytes: optional(number),
      mode: optional(number),
      options: optional(wrappedList(texts)),
    }),
  ),
  image: optional(record<NonNullable<model.Mount["image"]>, wire.Mount_Image>({ subpath: optional(text) })),
});

const healthcheck = record<model.Healthcheck, wire.Healthcheck>({
  test: optional(texts),
  intervalNs: optional(number),
  timeoutNs: optional(number),
  startPeriodNs: optional(number),
  startIntervalNs: optional(number),
  retries: optional(number),
});

const privileges = record<ServicePrivileges, wire.Privileges>({
  seLinux: optional(
    record<NonNullable<ServicePrivileges["seLinux"]>, wire.Privileges_SeLinux>({
      disable: flag,
      user: text,
      role: text,
      type: text,
      level: text,
    }),
  ),
  seccomp: optional(
    record<NonNullable<ServicePrivileges["seccomp"]>, wire.Privileges_Seccomp>({
      mode: word(["default", "unconfined", "custom"]),
      profile: text,
    }),
  ),
  appArmor: optional(
    record<NonNullable<ServicePrivileges["appArmor"]>, wire.Privileges_AppArmor>({ mode: word(["default", "disabled"]) }),
  ),
  noNewPrivileges: flag,
});

const hostOptions = record<ServiceHostOptions, wire.HostOptions>({
  privileged: optional(flag),
  devices: optional(
    wrappedList(
      record<NonNullable<ServiceHostOptions["devices"]>[number], wire.HostOptions_Device>({
        pathOnHost: text,
        pathInContainer: text,
        cgroupPermissions: text,
      }),
    ),
  ),
  deviceCgroupRules: optional(texts),
  deviceRequests: optional(
    wrappedList(
      record<NonNullable<ServiceHostOptions["deviceRequests"]>[number], wire.HostOptions_DeviceRequest>({
        driver: text,
        count: number,
        deviceIds: list(text),
        capabilities: list(texts),
        options: labels,
      }),
    ),
  ),
  shmSizeBytes: optional(number),
  ipcMode: optional(text),
  pidMode: optional(text),
  utsMode: optional(text),
  cgroupnsMode: optional(text),
  runtime: optional(text),
  cpuShares: optional(number),
  cpusetCpus: optional(text),
  cpusetMems: optional(text),
});

const container = record<model.ServiceContainerSpec, wire.ServiceContainerSpec>({
  image: text,
  labels,
  command: optional(texts),
  args: optional(texts),
  hostname: optional(text),
  env: optional(texts),
  dir: optional(text),
  user: optional(text),
  groups: optional(texts),
  tty: optional(flag),
  openStdin: optional(flag),
  readOnly: optional(flag),
  mounts: optional(wrappedList(mount)),
  stopSignal: optional(text),
  stopGracePeriodNs: optional(number),
  healthcheck: optional(healthcheck),
  hosts: optional(texts),
  dns: optional(
    record<NonNullable<model.ServiceContainerSpec["dns"]>, wire.DnsConfig>({
      nameservers: list(text),
      search: list(text),
      options: list(text),
    }),
  ),
  secrets: optional(wrappedList(fileReference<model.Secret["id"]>())),
  configs: optional(wrappedList(fileReference<model.Config["id"]>())),
  init: optional(flag),
  sysctls: optional(wrappedLabels),
  capabilityAdd: optional(texts),
  capabilityDrop: optional(texts),
  ulimits: optional(wrappedList(record<model.Ulimit, wire.Ulimit>({ name: text, soft: number, hard: number }))),
  isolation: optional(text),
  oomScoreAdj: optional(number),
  privileges: optional(privileges),
  hostOptions: optional(hostOptions),
});

/** So many of a kind, or one by its name. */
const genericResource: Codec<GenericResource, wire.GenericResource> = {
  toWire: ({ kind, value }) => ({
    kind,
    value: typeof value === "number" ? { $case: "count", value } : { $case: "name", value },
  }),
  fromWire({ kind, value }) {
    if (value === undefined) throw new UnknownWireValue("a generic resource of an unknown kind");
    return { kind, value: value.value };
  },
};
export const genericResources = wrappedList(genericResource);

const resources = record<ResourceRequirements, wire.ResourceRequirements>({
  limits: optional(
    record<NonNullable<ResourceRequirements["limits"]>, wire.ResourceRequirements_Limits>({
      nanoCpus: optional(number),
      memoryBytes: optional(number),
      pids: optional(number),
    }),
  ),
  reservations: optional(
    record<NonNullable<ResourceRequirements["reservations"]>, wire.ResourceRequirements_Reservations>({
      nanoCpus: optional(number),
      memoryBytes: optional(number),
      generic: optional(genericResources),
    }),
  ),
  swapBytes: optional(number),
  memorySwappiness: optional(number),
});

const restart = record<model.RestartSpec, wire.RestartSpec>({
  condition: word(["none", "on-failure", "any"]),
  delayNs: optional(number),
  maxAttempts: optional(number),
  windowNs: optional(number),
});

const placement = record<model.Placement, wire.Placement>({
  constraints: optional(texts),
  preferences: optional(wrappedList(record<{ readonly spreadDescriptor: string }, wire.Preference>({ spreadDescriptor: text }))),
  maxReplicas: optional(number),
  platforms: optional(wrappedList(platform)),
});

const attachment = record<model.NetworkAttachmentSpec, wire.NetworkAttachmentSpec>({
  target: text,
  aliases: optional(texts),
  driverOptions: optional(wrappedLabels),
  addresses: optional(texts),
});

const task = record<model.TaskSpec, wire.TaskSpec>({
  container: needed(container),
  resources: optional(resources),
  restart: optional(restart),
  placement: optional(placement),
  networks: list(attachment),
  logDriver: optional(record<NonNullable<model.TaskSpec["logDriver"]>, wire.LogDriver>({ name: text, options: labels })),
  forceUpdate: number,
  runtime: optional(text),
});

const update = record<model.UpdateConfig, wire.UpdateConfig>({
  parallelism: number,
  delayNs: number,
  failureAction: word(["pause", "continue", "rollback"]),
  monitorNs: optional(number),
  maxFailureRatio: number,
  order: word(["stop-first", "start-first"]),
});

const updateStatus = record<model.UpdateStatus, wire.UpdateStatus>({
  state: word(["updating", "paused", "completed", "rollback_started", "rollback_paused", "rollback_completed"]),
  startedAtMs: optional(number),
  completedAtMs: optional(number),
  message: text,
});

type WireMode = NonNullable<wire.ServiceMode["mode"]>;
const modeCases = union<model.ServiceMode, WireMode>({
  replicated: ["replicated", record<{ readonly replicas: number }, wire.ServiceMode_Replicated>({ replicas: number })],
  global: ["global", record({})],
  "replicated-job": [
    "replicatedJob",
    record<{ readonly maxConcurrent: number; readonly totalCompletions: number }, wire.ServiceMode_ReplicatedJob>({
      maxConcurrent: number,
      totalCompletions: number,
    }),
  ],
  "global-job": ["globalJob", record({})],
});
const mode: Codec<model.ServiceMode, wire.ServiceMode> = {
  toWire: value => ({ mode: modeCases.toWire(value) }),
  fromWire: value => modeCases.fromWire(value.mode),
};

export const serviceSpec = record<model.ServiceSpec, wire.ServiceSpec>({
  name: text,
  labels,
  task: needed(task),
  mode: needed(mode),
  update: optional(update),
  rollback: optional(update),
  endpoint: optional(endpointSpec),
});

export const service = record<model.Service, wire.Service>({
  ...sequencedFields,
  id: id(),
  spec: needed(serviceSpec),
  revisionId: id(),
  previousSpec: optional(serviceSpec),
  previousRevisionId: optional(id()),
  endpoint: needed(record<model.ServiceEndpoint, wire.ServiceEndpoint>({ ports: list(port), virtualIps: list(virtualIp) })),
  updateStatus: optional(updateStatus),
  isRemoving: flag,
  isRollingBack: flag,
  job: optional(record<NonNullable<model.Service["job"]>, wire.JobRun>({ iteration: number, lastExecutedAtMs: number })),
});

export const revision = record<model.Revision, wire.Revision>({
  ...metaFields,
  id: id(),
  serviceId: id(),
  task: needed(task),
  endpoint: needed(endpointSpec),
});
