import type { Mount, NetworkAttachmentSpec, PortConfig } from "../model/cluster.ts";
import { nodeNetwork } from "../model/node-networks.ts";
import type { ResourceRequirements } from "../model/resources.ts";
import type { ServicePrivileges } from "../model/service-privileges.ts";
import type { ContainerConfig, CreateContainerRequest, EndpointConfig, HostConfig, PortBinding } from "../model/container.ts";
import { EMPTY_HOST_CONFIG } from "../model/empty-config.ts";
import type { AssignedTask } from "../model/session.ts";
import { fillTemplate, taskName, type ThisNode } from "./task-names.ts";

export const TASK_ID_LABEL = "com.docker.swarm.task.id";
const NS_PER_S = 1e9;

export interface TaskContainerOptions {
  readonly assigned: AssignedTask;
  readonly node: ThisNode;
  /** Its secrets and configs. */
  readonly fileMounts: readonly Mount[];
}

/** The container a task is, as the engine is asked for it. */
export function taskContainer(options: TaskContainerOptions): CreateContainerRequest {
  const { assigned } = options;
  return {
    name: taskName(assigned),
    config: containerConfig(options),
    hostConfig: hostConfig(options),
    endpoints: endpointsOf(assigned),
  };
}

function containerConfig({ assigned, node }: TaskContainerOptions): ContainerConfig {
  const { container } = assigned.revision.task;
  const fill = (text: string): string => fillTemplate(text, assigned, node);
  return {
    hostname: fill(container.hostname ?? ""),
    domainname: "",
    user: container.user ?? "",
    attachStdin: false,
    attachStdout: false,
    attachStderr: false,
    tty: container.tty ?? false,
    openStdin: container.openStdin ?? false,
    stdinOnce: false,
    env: [...(container.env ?? []).map(fill), ...resourceVariables(assigned)],
    ...(container.command !== undefined && container.command.length > 0 && { entrypoint: container.command }),
    ...(container.args !== undefined && container.args.length > 0 && { cmd: container.args }),
    ...(container.healthcheck !== undefined && { healthcheck: container.healthcheck }),
    image: container.image,
    volumes: [],
    workingDir: container.dir ?? "",
    networkDisabled: false,
    labels: { ...container.labels, ...systemLabels(assigned) },
    ...(container.stopSignal !== undefined && container.stopSignal !== "" && { stopSignal: container.stopSignal }),
    ...(container.stopGracePeriodNs !== undefined && { stopTimeoutSeconds: stopTimeoutSeconds(assigned) }),
    exposedPorts: hostPorts(assigned).map(portName),
  };
}

/** `DOCKER_RESOURCE_GPU=one,two`: what of its node the task has, for each kind. */
function resourceVariables({ task }: AssignedTask): readonly string[] {
  const byKind = new Map<string, (string | number)[]>();
  for (const { kind, value } of task.genericResources ?? []) byKind.set(kind, [...(byKind.get(kind) ?? []), value]);
  return [...byKind].map(([kind, values]) => `DOCKER_RESOURCE_${kind.toUpperCase()}=${values.join(",")}`);
}

/** What every tool that looks at a node's tasks goes by. */
function systemLabels(assigned: AssignedTask): Readonly<Record<string, string>> {
  const { task, serviceName } = assigned;
  return {
    "com.docker.swarm.node.id": task.nodeId ?? "",
    "com.docker.swarm.service.id": task.serviceId,
    "com.docker.swarm.service.name": serviceName,
    "com.docker.swarm.task": "",
    [TASK_ID_LABEL]: task.id,
    "com.docker.swarm.task.name": taskName(assigned),
  };
}

/** Ten seconds when none is given, as Docker's; whole seconds, at least one. */
export function stopTimeoutSeconds({ revision }: AssignedTask): number {
  const ns = revision.task.container.stopGracePeriodNs;
  return ns === undefined ? 10 : Math.ceil(ns / NS_PER_S);
}

function hostConfig({ assigned, node, fileMounts }: TaskContainerOptions): HostConfig {
  const { container, resources, logDriver } = assigned.revision.task;
  const { limits, reservations } = resources ?? {};
  const fill = (text: string): string => fillTemplate(text, assigned, node);
  const mounts = (container.mounts ?? []).map(mount => ({
    ...mount,
    target: fill(mount.target),
    ...(mount.source !== undefined && { source: fill(mount.source) }),
  }));
  return {
    ...EMPTY_HOST_CONFIG,
    givenEmpty: ["PortBindings", "Ulimits"],
    ...container.hostOptions,
    networkMode: networkMode(assigned),
    mounts: [...mounts, ...fileMounts],
    portBindings: portBindings(assigned),
    logConfig: { type: logDriver?.name ?? "", options: logDriver?.options ?? {} },
    capAdd: container.capabilityAdd ?? [],
    capDrop: container.capabilityDrop ?? [],
    dns: container.dns?.nameservers ?? [],
    dnsSearch: container.dns?.search ?? [],
    dnsOptions: container.dns?.options ?? [],
    extraHosts: (container.hosts ?? []).flatMap(extraHosts),
    groupAdd: container.groups ?? [],
    readonlyRootfs: container.readOnly ?? false,
    sysctls: container.sysctls ?? {},
    ulimits: container.ulimits ?? [],
    isolation: container.isolation || "default",
    securityOpt: securityOptions(container.privileges),
    oomScoreAdj: container.oomScoreAdj ?? 0,
    ...(container.init !== undefined && { init: container.init }),
    nanoCpus: limits?.nanoCpus ?? 0,
    memoryBytes: limits?.memoryBytes ?? 0,
    memoryReservationBytes: reservations?.memoryBytes ?? 0,
    memorySwapBytes: memorySwapBytes(resources),
    ...(resources?.memorySwappiness !== undefined && { memorySwappiness: resources.memorySwappiness }),
    ...(limits?.pids !== undefined && limits.pids > 0 && { pidsLimit: limits.pids }),
  };
}

/** A service says how much swap, a container how much of both. -1 is without end, 0 twice the memory. */
function memorySwapBytes({ limits, swapBytes }: ResourceRequirements = {}): number {
  if (swapBytes === undefined || swapBytes < 0) return swapBytes ?? 0;
  return (limits?.memoryBytes ?? 0) + swapBytes;
}

/** As they would be given to a container that is made by hand. */
function securityOptions(privileges: ServicePrivileges | undefined): readonly string[] {
  const { seLinux, seccomp, appArmor, noNewPrivileges = false } = privileges ?? {};
  const { disable = false, user = "", role = "", type = "", level = "" } = seLinux ?? {};
  const labels = Object.entries({ user, role, type, level }).filter(([, value]) => value !== "");
  return [
    ...(disable ? ["label=disable"] : []),
    ...labels.map(([name, value]) => `label=${name}:${value}`),
    ...(seccomp?.mode === "unconfined" ? ["seccomp=unconfined"] : []),
    ...(seccomp?.mode === "custom" ? [`seccomp=${seccomp.profile}`] : []),
    ...(appArmor?.mode === "disabled" ? ["apparmor=unconfined"] : []),
    ...(noNewPrivileges ? ["no-new-privileges=true"] : []),
  ];
}

/** A service writes hosts as the file does: address, then names. */
function extraHosts(line: string): readonly string[] {
  const [address = "", ...names] = line.trim().split(/\s+/);
  return names.map(name => `${name}:${address}`);
}

/** The first of its networks; a network of the node itself (`host`, `none`, …) by name; the node's bridge when there is none. */
function networkMode({ task, revision }: AssignedTask): string {
  const [first] = task.networks;
  if (first !== undefined) return first.networkId;
  const [own]: readonly (NetworkAttachmentSpec | undefined)[] = revision.task.networks;
  return own === undefined ? "default" : (nodeNetwork(own.target)?.name ?? own.target);
}

function endpointsOf({ task }: AssignedTask): Readonly<Record<string, EndpointConfig>> {
  return Object.fromEntries(
    task.networks.map(({ networkId, addresses: [address], aliases }) => [
      networkId,
      { ...(address !== undefined && { ipv4Address: address, isAllocated: true as const }), aliases },
    ]),
  );
}

function hostPorts({ task }: AssignedTask): readonly PortConfig[] {
  return task.hostPorts.filter(({ publishMode }) => publishMode === "host");
}

function portName({ targetPort, protocol }: PortConfig): string {
  return `${targetPort}/${protocol}`;
}

function portBindings(assigned: AssignedTask): Readonly<Record<string, readonly PortBinding[]>> {
  const bindings: Record<string, PortBinding[]> = {};
  for (const port of hostPorts(assigned)) {
    const hostPort = (port.publishedPort ?? 0) === 0 ? "" : String(port.publishedPort);
    (bindings[portName(port)] ??= []).push({ hostIp: "", hostPort });
  }
  return bindings;
}
