import { OperationError } from "../../lib/errors.ts";
import type { Config, FileSpec, Network, Node, NodeSpec, ObjectMeta, PortConfig, Secret, Task } from "../../model/cluster.ts";
import type { NodeView, ServiceView, TaskView } from "../../model/control.ts";
import type { TemplateDriver } from "../../model/cluster-files.ts";
import { nodeNetwork } from "../../model/node-networks.ts";
import { isTerminal } from "../../model/task-state.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { genericResourcesJson } from "./generic-resources.ts";
import { refusing } from "./refusing.ts";
import { adapt, bytes, optional, text, textMap, unlessZero, word } from "./scalars.ts";
import { withServiceDefaults } from "./service-defaults.ts";
import { endpointSpec, portConfig, serviceSpec } from "./service-spec.ts";
import { tlsInfoJson } from "./swarm.ts";
import { platform, taskSpec } from "./task-spec.ts";
import { rfc3339 } from "./times.ts";

function meta({ version, createdAtMs, updatedAtMs }: ObjectMeta): Record<string, unknown> {
  return { Version: { Index: version }, CreatedAt: rfc3339(createdAtMs), UpdatedAt: rfc3339(updatedAtMs) };
}

function ports(configs: readonly PortConfig[]): Record<string, unknown> {
  return configs.length === 0 ? {} : { Ports: configs.map(config => portConfig.write(config)) };
}

// ---- services ----

/**
 * @param withStatus - With the counts that `service ls` shows.
 * @param withDefaults - With what holds where the spec says nothing.
 */
export function serviceJson(
  { service, runningTasks, desiredTasks, completedTasks }: ServiceView,
  { withStatus = false, withDefaults = false }: { readonly withStatus?: boolean; readonly withDefaults?: boolean },
): Record<string, unknown> {
  const { spec, previousSpec, endpoint, updateStatus, job } = service;
  // One that nothing reaches by network is given no endpoint.
  const isReached = endpoint.ports.length > 0 || spec.task.networks.length > 0;
  const status = { RunningTasks: runningTasks, DesiredTasks: desiredTasks, CompletedTasks: completedTasks };
  return {
    ID: service.id,
    ...meta(service),
    Spec: serviceSpec.write(withDefaults ? withServiceDefaults(spec) : spec),
    ...(previousSpec === undefined ? {} : { PreviousSpec: serviceSpec.write(previousSpec) }),
    Endpoint: {
      Spec: spec.endpoint === undefined || !isReached ? {} : endpointSpec.write(spec.endpoint),
      ...ports(endpoint.ports),
      ...virtualIps(service),
    },
    ...(updateStatus === undefined
      ? {}
      : {
          UpdateStatus: {
            State: updateStatus.state,
            ...(updateStatus.startedAtMs === undefined ? {} : { StartedAt: rfc3339(updateStatus.startedAtMs) }),
            ...(updateStatus.completedAtMs === undefined ? {} : { CompletedAt: rfc3339(updateStatus.completedAtMs) }),
            Message: updateStatus.message,
          },
        }),
    ...(withStatus ? { ServiceStatus: status } : {}),
    ...(job === undefined
      ? {}
      : { JobStatus: { JobIteration: jobIteration(job.iteration), LastExecution: rfc3339(job.lastExecutedAtMs) } }),
  };
}

/** On a network that every node has by itself it has none, and that is told too. */
function virtualIps({ spec, endpoint }: ServiceView["service"]): Record<string, unknown> {
  const isVirtual = (spec.endpoint?.mode ?? "vip") === "vip";
  const own = isVirtual ? spec.task.networks.flatMap(({ target }) => nodeNetwork(target)?.id ?? []) : [];
  const all = [
    ...endpoint.virtualIps.map(({ networkId, address }) => ({ NetworkID: networkId, Addr: address })),
    ...own.map(NetworkID => ({ NetworkID })),
  ];
  return all.length === 0 ? {} : { VirtualIPs: all };
}

/** Clients compare a job's with its tasks', to know which are of the newest run. */
function jobIteration(iteration: number): Record<string, number> {
  return iteration === 0 ? {} : { Index: iteration };
}

// ---- tasks ----

export function taskJson({ task, revision, networks }: TaskView): Record<string, unknown> {
  const { Runtime: _, ...spec } = taskSpec.write(revision.task);
  return {
    ID: task.id,
    ...meta(task),
    Labels: {},
    Spec: spec,
    ServiceID: task.serviceId,
    ...(task.slot === 0 ? {} : { Slot: task.slot }),
    ...(task.nodeId === undefined ? {} : { NodeID: task.nodeId }),
    Status: taskStatus(task),
    DesiredState: task.desiredState,
    ...(task.networks.length === 0 ? {} : { NetworksAttachments: attachments(task, networks) }),
    ...genericResourcesJson(task.genericResources),
    ...(task.jobIteration === undefined ? {} : { JobIteration: jobIteration(task.jobIteration) }),
    Volumes: null,
  };
}

function taskStatus({ status, hostPorts }: Task): Record<string, unknown> {
  const { container, error } = status;
  const isOver = isTerminal(status.state);
  const held = status.state === "running" ? hostPorts.filter(({ publishedPort = 0 }) => publishedPort !== 0) : [];
  return {
    Timestamp: rfc3339(status.atMs),
    State: status.state,
    ...(status.message === "" ? {} : { Message: status.message }),
    ...(error === undefined || error === "" ? {} : { Err: error }),
    ...(container === undefined
      ? {}
      : {
          ContainerStatus: { ContainerID: container.containerId, PID: isOver ? 0 : container.pid, ExitCode: container.exitCode },
        }),
    PortStatus: ports(status.portStatus ?? held),
  };
}

function attachments({ networks: attached }: Task, networks: readonly Network[]): readonly Record<string, unknown>[] {
  return attached.flatMap(({ networkId, addresses }) => {
    const network = networks.find(({ id }) => id === networkId);
    return network === undefined ? [] : [{ Network: swarmNetwork(network), Addresses: addresses }];
  });
}

function ipamConfigs(pools: Network["spec"]["ipam"]): readonly Record<string, string>[] {
  return pools.map(({ subnet, ipRange, gateway }) => ({
    ...(subnet === undefined ? {} : { Subnet: subnet }),
    ...(ipRange === undefined ? {} : { Range: ipRange }),
    ...(gateway === undefined ? {} : { Gateway: gateway }),
  }));
}

/** A network as tasks show it: of the cluster, not of a host. */
function swarmNetwork(network: Network): Record<string, unknown> {
  const { spec, vxlanId, ipam } = network;
  const vxlan = vxlanId === undefined ? {} : { "com.docker.network.driver.overlay.vxlanid_list": String(vxlanId) };
  const whenTrue = (name: string, value: boolean) => (value ? { [name]: true } : {});
  return {
    ID: network.id,
    ...meta(network),
    Spec: {
      Name: spec.name,
      Labels: spec.labels,
      DriverConfiguration: { Name: spec.driver },
      ...whenTrue("IPv6Enabled", spec.isIpv6),
      ...whenTrue("Internal", spec.isInternal),
      ...whenTrue("Attachable", spec.isAttachable),
      ...whenTrue("Ingress", spec.isIngress),
      IPAMOptions: { Driver: { Name: "default" }, ...(spec.ipam.length === 0 ? {} : { Configs: ipamConfigs(spec.ipam) }) },
      Scope: spec.scope,
    },
    DriverState: { Name: spec.driver, Options: { ...spec.driverOptions, ...vxlan } },
    IPAMOptions: { Driver: { Name: "default" }, ...(ipam.length === 0 ? {} : { Configs: ipamConfigs(ipam) }) },
  };
}

// ---- nodes ----

export const nodeSpec = struct<NodeSpec>("swarm.NodeSpec", {
  name: omitEmpty("Name", unlessZero(text)),
  labels: field("Labels", textMap),
  role: omitEmpty("Role", word<NodeSpec["role"]>("swarm.NodeRole")),
  availability: omitEmpty("Availability", word<NodeSpec["availability"]>("swarm.NodeAvailability")),
});

export function nodeJson({ node, isLeader, isReachable }: NodeView): Record<string, unknown> {
  const { description, status, manager } = node;
  return {
    ID: node.id,
    ...meta(node),
    Spec: nodeSpec.write(node.spec),
    Description: description === undefined ? {} : descriptionJson(description),
    Status: {
      State: status.state,
      ...(status.message === "" ? {} : { Message: status.message }),
      ...(status.address === "" ? {} : { Addr: status.address }),
    },
    ...(manager === undefined
      ? {}
      : {
          ManagerStatus: {
            ...(isLeader ? { Leader: true } : {}),
            Reachability: isReachable ? "reachable" : "unreachable",
            Addr: manager.address,
          },
        }),
  };
}

function descriptionJson({
  hostname,
  platform: host,
  resources,
  engine,
  tls,
}: NonNullable<Node["description"]>): Record<string, unknown> {
  return {
    Hostname: hostname,
    Platform: platform.write(host),
    Resources: {
      NanoCPUs: resources.nanoCpus,
      MemoryBytes: resources.memoryBytes,
      ...genericResourcesJson(resources.generic),
    },
    Engine: {
      EngineVersion: engine.version,
      ...(Object.keys(engine.labels).length === 0 ? {} : { Labels: engine.labels }),
      Plugins: engine.plugins.map(({ type, name }) => ({ Type: type, Name: name })),
    },
    TLSInfo: tls === undefined ? {} : tlsInfoJson(tls),
  };
}

// ---- secrets and configs ----

const driver = refusing(struct<{ readonly name?: string }>("swarm.Driver", { name: omitEmpty("Name", unlessZero(text)) }), [
  "Options",
]);
const templateDriver = adapt(optional(driver), {
  toModel: (value): TemplateDriver | undefined => (value?.name === undefined ? undefined : templateDriverOf(value.name)),
  toWire: (name: TemplateDriver | undefined) => (name === undefined ? undefined : { name }),
});

/** @throws OperationError `invalid`, in the words with which Docker has its tasks fail. */
function templateDriverOf(name: string): TemplateDriver {
  if (name === "golang") return name;
  throw new OperationError("invalid", `unrecognized template type ${JSON.stringify(name)}`);
}

const FILE_FIELDS = {
  name: field("Name", text),
  labels: field("Labels", textMap),
  data: omitEmpty("Data", bytes),
  templateDriver: omitEmpty("Templating", templateDriver),
};
export const secretSpec = refusing(struct<FileSpec>("swarm.SecretSpec", FILE_FIELDS), ["Driver"]);
export const configSpec = struct<FileSpec>("swarm.ConfigSpec", FILE_FIELDS);

/** Beyond Docker. Without a signal only tasks that are made from now on have the data; an empty one is none, and files are written all the same. */
export const replacementBody = struct<{ readonly data: Uint8Array; readonly reloadSignal?: string }>("swarm.Replacement", {
  data: field("Data", bytes),
  reloadSignal: omitEmpty("ReloadSignal", optional(text)),
});

/** Without its data: that never leaves the managers by this way. */
export function secretJson(secret: Secret): Record<string, unknown> {
  const spec = secretSpec.write({ ...secret.spec, data: new Uint8Array() });
  return { ID: secret.id, ...meta(secret), Spec: spec };
}

export function configJson(config: Config): Record<string, unknown> {
  return { ID: config.id, ...meta(config), Spec: configSpec.write(config.spec) };
}
