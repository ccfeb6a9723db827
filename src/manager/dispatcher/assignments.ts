import type { Config, Secret, Service, Task } from "../../model/cluster.ts";
import { asId } from "../../model/ids.ts";
import type { ConfigId, NetworkId, NodeId, SecretId, ServiceId, TaskId } from "../../model/ids.ts";
import type { AssignedBlob, AssignedService, Assignment, AssignmentKey, Endpoint } from "../../model/session.ts";
import { assignmentId, peerOf } from "../../model/session.ts";
import { isToRun } from "../../model/task-state.ts";
import { attachmentsOf, ingressNetwork } from "../allocator/attachments.ts";
import { isDead } from "../orchestrator/instance.ts";
import type { Snapshot } from "../store/snapshot.ts";

/** What decides what a node needs to know, beside its tasks. */
export interface NodeNeeds {
  /** Of its live tasks, and the ingress network. */
  readonly networks: ReadonlySet<NetworkId>;
  readonly secrets: ReadonlySet<SecretId>;
  readonly configs: ReadonlySet<ConfigId>;
  /** Of its tasks some are behind published ports: their connections come by way of any node. */
  readonly takesFromAll: boolean;
}

export const NO_NEEDS: NodeNeeds = { networks: new Set(), secrets: new Set(), configs: new Set(), takesFromAll: false };

export function needsOf(view: Snapshot, nodeId: NodeId): NodeNeeds {
  const networks = new Set<NetworkId>();
  const secrets = new Set<SecretId>();
  const configs = new Set<ConfigId>();
  let takesFromAll = false;
  const ingress = ingressNetwork(view);
  if (ingress?.vxlanId !== undefined) networks.add(ingress.id);
  for (const task of view.tasksOfNode(nodeId)) {
    if (!isLive(task)) continue;
    for (const { networkId } of task.networks) networks.add(networkId);
    const container = view.get("revision", task.revisionId)?.task.container;
    for (const { id } of container?.secrets ?? []) secrets.add(id);
    for (const { id } of container?.configs ?? []) configs.add(id);
    takesFromAll ||= task.networks.some(({ networkId }) => networkId === ingress?.id);
  }
  return { networks, secrets, configs, takesFromAll };
}

/** It was given to a node and has not ended. */
export function isLive(task: Task): boolean {
  return isAssigned(task) && !isDead(task);
}

/** A global service's task has a node before the scheduler has agreed: until then nobody is told. */
export function isAssigned({ nodeId, status: { state } }: Task): boolean {
  return nodeId !== undefined && state !== "new" && state !== "pending";
}

/** Everything a node needs to know. */
export function fullAssignments(
  view: Snapshot,
  { nodeId, needs }: { readonly nodeId: NodeId; readonly needs: NodeNeeds },
): Assignment[] {
  const keys: AssignmentKey[] = [];
  for (const task of view.tasksOfNode(nodeId)) keys.push({ kind: "task", id: task.id });
  for (const { id } of view.all("service")) keys.push({ kind: "service", id });
  for (const id of needs.secrets) keys.push({ kind: "secret", id });
  for (const id of needs.configs) keys.push({ kind: "config", id });
  const endpoints = new Set<TaskId>();
  const peers = new Set<NodeId>([nodeId]);
  for (const id of needs.networks) {
    keys.push({ kind: "network", id });
    for (const task of view.tasksOnNetwork(id)) {
      endpoints.add(task.id);
      if (isLive(task) && task.nodeId !== undefined) peers.add(task.nodeId);
    }
  }
  if (needs.takesFromAll) for (const { id } of view.all("node")) peers.add(id);
  for (const id of peers) keys.push({ kind: "peer", id });
  for (const id of endpoints) keys.push({ kind: "endpoint", id });
  return keys.flatMap(key => assignmentFor(view, { nodeId, needs, key }) ?? []);
}

/** What a node is to know about one thing; `undefined`: nothing. */
export function assignmentFor(
  view: Snapshot,
  { nodeId, needs, key: { kind, id } }: { readonly nodeId: NodeId; readonly needs: NodeNeeds; readonly key: AssignmentKey },
): Assignment | undefined {
  switch (kind) {
    case "task":
      return taskAssignment(view, { nodeId, id: asId(id) });
    case "network": {
      const network = needs.networks.has(asId(id)) ? view.get("network", asId<NetworkId>(id)) : undefined;
      return network && { kind, network };
    }
    case "peer": {
      const node = view.get("node", asId<NodeId>(id));
      const peer = node !== undefined && isPeer(view, { id: node.id, nodeId, needs }) ? peerOf(node) : undefined;
      return peer && { kind, peer };
    }
    case "service": {
      const service = view.get("service", asId<ServiceId>(id));
      return service === undefined || !concerns(view, { service, needs })
        ? undefined
        : { kind, service: assignedService(service) };
    }
    case "endpoint": {
      const endpoint = endpointOf(view, view.get("task", asId<TaskId>(id)));
      const isNear = endpoint?.networks.some(({ networkId }) => needs.networks.has(networkId));
      return endpoint !== undefined && isNear === true ? { kind, endpoint } : undefined;
    }
    case "secret": {
      const secret = needs.secrets.has(asId(id)) ? view.get("secret", asId<SecretId>(id)) : undefined;
      return secret && { kind, secret: assignedBlob(secret) };
    }
    case "config": {
      const config = needs.configs.has(asId(id)) ? view.get("config", asId<ConfigId>(id)) : undefined;
      return config && { kind, config: assignedBlob(config) };
    }
  }
}

function assignedBlob({ id, spec: { data, templateDriver }, reloadSignal }: Secret | Config): AssignedBlob {
  return { id, data, ...(reloadSignal !== undefined && { reloadSignal }), ...(templateDriver && { templateDriver }) };
}

/** Traffic goes to it, or comes from it: it has tasks on a network of this node, or this node takes connections from everywhere. */
function isPeer(
  view: Snapshot,
  { id, nodeId, needs }: { readonly id: NodeId; readonly nodeId: NodeId; readonly needs: NodeNeeds },
): boolean {
  if (id === nodeId || needs.takesFromAll) return true;
  for (const task of view.tasksOfNode(id)) if (isLive(task) && isOn(task, needs.networks)) return true;
  return false;
}

function isOn({ networks }: Task, wanted: ReadonlySet<NetworkId>): boolean {
  return networks.some(({ networkId }) => wanted.has(networkId));
}

/** Networks that a node's live tasks are on. */
export function networksOfNode(view: Snapshot, nodeId: NodeId): ReadonlySet<NetworkId> {
  const networks = new Set<NetworkId>();
  for (const task of view.tasksOfNode(nodeId))
    if (isLive(task)) for (const { networkId } of task.networks) networks.add(networkId);
  return networks;
}

/** Which nodes have to know of a service: all of them for its published ports, else those on its networks. */
export function reachOf(
  view: Snapshot,
  service: Service | undefined,
): { readonly isAll: boolean; readonly networks: readonly NetworkId[] } {
  if (service === undefined) return { isAll: false, networks: [] };
  const isAll = service.endpoint.ports.some(port => port.publishMode === "ingress");
  return { isAll, networks: attachmentsOf(view, { task: service.spec.task, ports: [] }).map(({ network }) => network.id) };
}

/** Ended tasks are told too: their containers stay, for their logs, until the task is reaped. */
function taskAssignment(
  view: Snapshot,
  { nodeId, id }: { readonly nodeId: NodeId; readonly id: TaskId },
): Assignment | undefined {
  const task = view.get("task", id);
  if (task === undefined || task.nodeId !== nodeId || !isAssigned(task)) return undefined;
  const revision = view.get("revision", task.revisionId);
  const service = view.get("service", task.serviceId);
  if (revision === undefined || service === undefined) return undefined;
  const { name: serviceName, labels: serviceLabels } = service.spec;
  return { kind: "task", task: { task, revision, serviceName, serviceLabels } };
}

function concerns(view: Snapshot, { service, needs }: { readonly service: Service; readonly needs: NodeNeeds }): boolean {
  const { isAll, networks } = reachOf(view, service);
  return isAll || networks.some(id => needs.networks.has(id));
}

export function assignedService({ id, spec, endpoint }: Service): AssignedService {
  return {
    id,
    name: spec.name,
    endpointMode: spec.endpoint?.mode ?? "vip",
    virtualIps: endpoint.virtualIps,
    ports: endpoint.ports,
  };
}

/** A live task as the others reach it. */
export function endpointOf(view: Snapshot, task: Task | undefined): Endpoint | undefined {
  if (task?.nodeId === undefined || !isLive(task) || task.networks.length === 0) return undefined;
  const { id: taskId, serviceId, nodeId, attachment } = task;
  const networks = task.networks.flatMap(({ networkId, addresses: [address], aliases }) =>
    address === undefined ? [] : [{ networkId, address, aliases }],
  );
  if (attachment !== undefined) {
    const { containerId, containerName: taskName } = attachment;
    return { taskId, serviceId, taskName, nodeId, networks, isServing: false, containerId };
  }
  const service = view.get("service", serviceId);
  if (service === undefined) return undefined;
  const taskName = `${service.spec.name}.${task.slot === 0 ? nodeId : task.slot}.${taskId}`;
  const isServing = task.status.state === "running" && isToRun(task.desiredState);
  return { taskId, serviceId, taskName, nodeId, networks, isServing };
}

export function keyOf(assignment: Assignment): AssignmentKey {
  return { kind: assignment.kind, id: assignmentId(assignment) };
}
