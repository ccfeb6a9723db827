import fc from "fast-check";
import type * as model from "../../../src/model/cluster.ts";
import type { ServiceHostOptions } from "../../../src/model/service-host-options.ts";
import type { ServicePrivileges } from "../../../src/model/service-privileges.ts";
import type { StoredObject } from "../../../src/codec/entry.ts";
import { asId, type ClusterObjectId } from "../../../src/model/ids.ts";
import type { TaskAttachment } from "../../../src/model/task-attachment.ts";
import type { GenericResource, NodeResources, ResourceRequirements } from "../../../src/model/resources.ts";
import { TASK_STATES } from "../../../src/model/task-state.ts";

/** Any object of a type, with and without each optional field. */
type Shape<T> = { [Key in keyof Required<T>]: fc.Arbitrary<Exclude<T[Key], undefined>> };

function shape<T extends object>(fields: Shape<T>, optional: readonly (keyof T)[] = []): fc.Arbitrary<T> {
  const required = Object.keys(fields).filter(key => !optional.includes(key as keyof T));
  return fc.record(fields, { requiredKeys: required as never, noNullPrototype: true }) as fc.Arbitrary<T>;
}

/** All fields optional. */
function loose<T extends object>(fields: Shape<T>): fc.Arbitrary<T> {
  return shape<T>(fields, Object.keys(fields) as (keyof T)[]);
}

const text = fc.string({ maxLength: 8, unit: "binary" });
const count = fc.nat();
const whole = fc.maxSafeInteger();
const small = fc.nat(65_535);
const texts = fc.array(text, { maxLength: 3 });
const labels = fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true });
const flag = fc.boolean();
export const anyId = <Id extends ClusterObjectId>() => fc.string({ maxLength: 25 }).map(value => asId<Id>(value));
const lists = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 2 });
const generic = lists(shape<GenericResource>({ kind: text, value: fc.oneof(count, text) }));
const meta = { version: count, createdAtMs: whole, updatedAtMs: whole };

export const port = shape<model.PortConfig>(
  {
    name: text,
    protocol: fc.constantFrom("tcp", "udp", "sctp"),
    targetPort: small,
    publishedPort: small,
    publishMode: fc.constantFrom("ingress", "host"),
  },
  ["name", "publishedPort"],
);
const reference = <Id extends model.Secret["id"] | model.Config["id"]>() =>
  shape<model.FileReference<Id>>({
    id: anyId<Id>() as fc.Arbitrary<Exclude<Id, undefined>>,
    name: text,
    file: shape<model.FileReference<Id>["file"]>({ name: text, uid: text, gid: text, mode: small }),
  });
const mount = shape<model.Mount>(
  {
    type: fc.constantFrom("bind", "volume", "tmpfs", "image", "npipe", "cluster"),
    source: text,
    target: text,
    readOnly: flag,
    consistency: text,
    bind: loose<NonNullable<model.Mount["bind"]>>({
      propagation: text,
      nonRecursive: flag,
      createMountpoint: flag,
      readOnlyNonRecursive: flag,
      readOnlyForceRecursive: flag,
    }),
    volume: loose<NonNullable<model.Mount["volume"]>>({
      noCopy: flag,
      labels,
      driverName: text,
      driverOptions: labels,
      subpath: text,
    }),
    tmpfs: loose<NonNullable<model.Mount["tmpfs"]>>({ sizeBytes: whole, mode: small, options: lists(texts) }),
    image: loose<NonNullable<model.Mount["image"]>>({ subpath: text }),
  },
  ["source", "readOnly", "consistency", "bind", "volume", "tmpfs", "image"],
);
const containerFields: Shape<model.ServiceContainerSpec> = {
  image: text,
  labels,
  command: texts,
  args: texts,
  hostname: text,
  env: texts,
  dir: text,
  user: text,
  groups: texts,
  tty: flag,
  openStdin: flag,
  readOnly: flag,
  mounts: lists(mount),
  stopSignal: text,
  stopGracePeriodNs: whole,
  healthcheck: loose<model.Healthcheck>({
    test: texts,
    intervalNs: whole,
    timeoutNs: whole,
    startPeriodNs: whole,
    startIntervalNs: whole,
    retries: count,
  }),
  hosts: texts,
  dns: shape<NonNullable<model.ServiceContainerSpec["dns"]>>({ nameservers: texts, search: texts, options: texts }),
  secrets: lists(reference<model.Secret["id"]>()),
  configs: lists(reference<model.Config["id"]>()),
  init: flag,
  sysctls: labels,
  capabilityAdd: texts,
  capabilityDrop: texts,
  ulimits: lists(shape<model.Ulimit>({ name: text, soft: whole, hard: whole })),
  isolation: text,
  oomScoreAdj: whole,
  privileges: shape<ServicePrivileges>(
    {
      seLinux: shape({ disable: flag, user: text, role: text, type: text, level: text }),
      seccomp: shape({ mode: fc.constantFrom("default", "unconfined", "custom"), profile: text }),
      appArmor: shape({ mode: fc.constantFrom("default", "disabled") }),
      noNewPrivileges: flag,
    },
    ["seLinux", "seccomp", "appArmor"],
  ),
  hostOptions: loose<ServiceHostOptions>({
    privileged: flag,
    devices: lists(shape({ pathOnHost: text, pathInContainer: text, cgroupPermissions: text })),
    deviceCgroupRules: texts,
    deviceRequests: lists(shape({ driver: text, count: whole, deviceIds: texts, capabilities: lists(texts), options: labels })),
    shmSizeBytes: whole,
    ipcMode: text,
    pidMode: text,
    utsMode: text,
    cgroupnsMode: text,
    runtime: text,
    cpuShares: whole,
    cpusetCpus: text,
    cpusetMems: text,
  }),
};
const container = shape<model.ServiceContainerSpec>(
  containerFields,
  (Object.keys(containerFields) as (keyof model.ServiceContainerSpec)[]).filter(key => key !== "image" && key !== "labels"),
);
const platform = shape<{ readonly architecture: string; readonly os: string }>({ architecture: text, os: text });
export const taskSpec = shape<model.TaskSpec>(
  {
    container,
    resources: loose<ResourceRequirements>({
      limits: loose({ nanoCpus: whole, memoryBytes: whole, pids: whole }),
      reservations: loose({ nanoCpus: whole, memoryBytes: whole, generic }),
      swapBytes: whole,
      memorySwappiness: whole,
    }),
    restart: shape<model.RestartSpec>(
      { condition: fc.constantFrom("none", "on-failure", "any"), delayNs: whole, maxAttempts: count, windowNs: whole },
      ["delayNs", "maxAttempts", "windowNs"],
    ),
    placement: loose<model.Placement>({
      constraints: texts,
      preferences: lists(shape<{ readonly spreadDescriptor: string }>({ spreadDescriptor: text })),
      maxReplicas: count,
      platforms: lists(platform),
    }),
    networks: lists(
      shape<model.NetworkAttachmentSpec>({ target: text, aliases: texts, driverOptions: labels, addresses: texts }, [
        "aliases",
        "driverOptions",
        "addresses",
      ]),
    ),
    logDriver: shape<NonNullable<model.TaskSpec["logDriver"]>>({ name: text, options: labels }),
    forceUpdate: count,
    runtime: text,
  },
  ["resources", "restart", "placement", "logDriver", "runtime"],
);
const endpointSpec = shape<model.EndpointSpec>({ mode: fc.constantFrom("vip", "dnsrr"), ports: lists(port) });
const update = shape<model.UpdateConfig>(
  {
    parallelism: count,
    delayNs: whole,
    failureAction: fc.constantFrom("pause", "continue", "rollback"),
    monitorNs: whole,
    maxFailureRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    order: fc.constantFrom("stop-first", "start-first"),
  },
  ["monitorNs"],
);
const mode: fc.Arbitrary<model.ServiceMode> = fc.oneof(
  fc.record({ kind: fc.constant("replicated" as const), replicas: count }, { noNullPrototype: true }),
  fc.constant({ kind: "global" as const }),
  fc.record(
    { kind: fc.constant("replicated-job" as const), maxConcurrent: count, totalCompletions: count },
    { noNullPrototype: true },
  ),
  fc.constant({ kind: "global-job" as const }),
);
export const serviceSpec = shape<model.ServiceSpec>(
  { name: text, labels, task: taskSpec, mode, update, rollback: update, endpoint: endpointSpec },
  ["update", "rollback", "endpoint"],
);
export const service = shape<model.Service>(
  {
    ...meta,
    id: anyId(),
    spec: serviceSpec,
    revisionId: anyId(),
    previousSpec: serviceSpec,
    previousRevisionId: anyId(),
    endpoint: shape<model.ServiceEndpoint>({
      ports: lists(port),
      virtualIps: lists(shape<model.ServiceEndpoint["virtualIps"][number]>({ networkId: anyId(), address: text })),
    }),
    updateStatus: shape<model.UpdateStatus>(
      {
        state: fc.constantFrom("updating", "paused", "completed", "rollback_started", "rollback_paused", "rollback_completed"),
        startedAtMs: whole,
        completedAtMs: whole,
        message: text,
      },
      ["startedAtMs", "completedAtMs"],
    ),
    isRemoving: flag,
    isRollingBack: flag,
    specChangedAfter: count,
    job: shape<NonNullable<model.Service["job"]>>({ iteration: count, lastExecutedAtMs: whole }),
  },
  ["previousSpec", "previousRevisionId", "updateStatus", "job", "specChangedAfter"],
);
export const revision = shape<model.Revision>({
  ...meta,
  id: anyId(),
  serviceId: anyId(),
  task: taskSpec,
  endpoint: endpointSpec,
});
export const taskStatus = shape<model.TaskStatus>(
  {
    state: fc.constantFrom(...TASK_STATES),
    atMs: whole,
    message: text,
    error: text,
    container: shape<NonNullable<model.TaskStatus["container"]>>({ containerId: text, pid: whole, exitCode: whole }),
    portStatus: lists(port),
  },
  ["error", "container", "portStatus"],
);
export const task = shape<model.Task>(
  {
    ...meta,
    id: anyId(),
    serviceId: anyId(),
    revisionId: anyId(),
    slot: count,
    nodeId: anyId(),
    desiredState: fc.constantFrom(...TASK_STATES),
    status: taskStatus,
    networks: lists(shape<model.TaskNetwork>({ networkId: anyId(), addresses: texts, aliases: texts })),
    hostPorts: lists(port),
    genericResources: generic,
    startNotBeforeMs: whole,
    jobIteration: count,
    stopNotAfterMs: count,
    ranForMs: count,
    attachment: shape<TaskAttachment>({ containerId: text, containerName: text, wantedAddresses: texts }),
  },
  ["nodeId", "genericResources", "startNotBeforeMs", "jobIteration", "stopNotAfterMs", "ranForMs", "attachment"],
);
export const certificateIssuer = shape<model.CertificateIssuer>({ subject: text, publicKey: text });
export const nodeDescription = shape<model.NodeDescription>(
  {
    hostname: text,
    platform,
    resources: shape<NodeResources>({ nanoCpus: whole, memoryBytes: whole, generic }, ["generic"]),
    engine: shape<model.NodeDescription["engine"]>({
      version: text,
      labels,
      plugins: lists(shape<{ readonly type: string; readonly name: string }>({ type: text, name: text })),
    }),
    tls: shape<model.NodeTls>({ trustRoot: text, issuer: certificateIssuer }),
    dataPathAddress: text,
  },
  ["tls", "dataPathAddress"],
);
const role = fc.constantFrom<model.NodeRole[]>("worker", "manager");
export const nodeSpec = shape<model.NodeSpec>(
  { name: text, labels, role, availability: fc.constantFrom("active", "pause", "drain") },
  ["name"],
);
export const node = shape<model.Node>(
  {
    ...meta,
    id: anyId(),
    spec: nodeSpec,
    description: nodeDescription,
    role,
    status: shape<model.Node["status"]>({
      state: fc.constantFrom("unknown", "down", "ready", "disconnected"),
      message: text,
      address: text,
    }),
    manager: shape<NonNullable<model.Node["manager"]>>({ raftId: count, address: text }),
    ingressNumber: count,
    ingressAddress: text,
    specChangedAfter: count,
  },
  ["description", "manager", "ingressNumber", "ingressAddress", "specChangedAfter"],
);
export const networkSpec = shape<model.NetworkSpec>({
  name: text,
  labels,
  driver: text,
  driverOptions: labels,
  isInternal: flag,
  isAttachable: flag,
  isIngress: flag,
  isIpv6: flag,
  ipam: lists(
    loose<model.NetworkSpec["ipam"][number]>({ subnet: text, gateway: text, ipRange: text, auxiliaryAddresses: labels }),
  ),
  scope: fc.constant("swarm"),
});
export const network = shape<model.Network>(
  {
    ...meta,
    id: anyId(),
    spec: networkSpec,
    vxlanId: count,
    vxlanPort: count,
    ipam: lists(
      shape<model.Network["ipam"][number]>({ subnet: text, gateway: text, ipRange: text, auxiliaryAddresses: labels }, [
        "ipRange",
        "auxiliaryAddresses",
      ]),
    ),
  },
  ["vxlanId", "vxlanPort"],
);
export const data = fc.uint8Array({ maxLength: 50 }).map(value => Uint8Array.from(value));
export const blobSpec = shape<model.FileSpec>({ name: text, labels, data, templateDriver: fc.constant("golang") }, [
  "templateDriver",
]);
export const secret = shape<model.Secret>({ ...meta, id: anyId(), spec: blobSpec, reloadSignal: text }, ["reloadSignal"]);
export const config = shape<model.Config>({ ...meta, id: anyId(), spec: blobSpec, reloadSignal: text }, ["reloadSignal"]);
export const clusterSpec = shape<model.ClusterSpec>(
  {
    name: text,
    labels,
    taskHistoryLimit: whole,
    heartbeatPeriodNs: whole,
    nodeCertExpiryNs: whole,
    autoLockManagers: flag,
    snapshotInterval: count,
    logEntriesForSlowFollowers: count,
    forceRotate: fc.constantFrom(0, 0, 3),
    keepOldSnapshots: count,
    externalCas: lists(shape<model.ExternalCa>({ url: text, certificatePem: text })),
  },
  ["keepOldSnapshots", "externalCas"],
);
export const cluster = shape<model.Cluster>(
  {
    ...meta,
    id: anyId(),
    spec: clusterSpec,
    rootCa: shape<model.Cluster["rootCa"]>(
      {
        ...{ certificatePem: text, keyPem: text, joinTokenWorker: text, joinTokenManager: text },
        issuer: certificateIssuer,
        rotation: shape<model.RootRotation>({ certificatePem: text, keyPem: text, crossSignedPem: text }),
      },
      ["issuer", "rotation"],
    ),
    defaultAddressPool: texts,
    subnetSize: small,
    dataPathPort: small,
    unlockKey: data,
    formatLevel: count,
    specChangedAfter: count,
    epoch: count,
  },
  ["unlockKey", "formatLevel", "specChangedAfter", "epoch"],
);

const stored = <Table extends StoredObject["table"]>(
  table: Table,
  object: fc.Arbitrary<Extract<StoredObject, { table: Table }>["object"]>,
) => object.map(value => ({ table, object: value }) as StoredObject);

/** One arbitrary a table. */
export const tables = {
  cluster: stored("cluster", cluster),
  node: stored("node", node),
  service: stored("service", service),
  revision: stored("revision", revision),
  task: stored("task", task),
  network: stored("network", network),
  secret: stored("secret", secret),
  config: stored("config", config),
} satisfies Record<StoredObject["table"], fc.Arbitrary<StoredObject>>;
