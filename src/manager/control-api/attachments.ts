import type { Network, Task } from "../../model/cluster.ts";
import type { AttachmentRequest } from "../../model/control.ts";
import { asId, type NetworkId, type NodeId, type RevisionId, type TaskId } from "../../model/ids.ts";
import { AddressBook } from "../allocator/address-book.ts";
import { NO_SERVICE } from "../attachments.ts";
import { rpcError } from "../rpc-error.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import type { PlanMutation } from "./mutations.ts";

/** A container made by hand is put on a network; the control loop gives it its address. Asked again, it may have other names. */
export function attachContainer(request: AttachmentRequest): PlanMutation {
  return (view, { nowMs }) => {
    const { id, nodeId } = request;
    const network = attachable(view, request.network);
    const known = view.get("task", id);
    if (known !== undefined && known.nodeId !== nodeId) throw notOfNode(id);
    if (known === undefined) checkAddresses(view, network, { request, nowMs });
    const task = known === undefined ? newAttachment(request, { network, nowMs }) : withNames(known, request);
    return {
      changes: [{ kind: "put", table: "task", object: task, basedOn: known?.version ?? 0 }],
      reliesOn: [
        { table: "network", id: network.id, version: network.version },
        { table: "node", id: nodeId, version: node(view, nodeId).version },
      ],
      response: { kind: "created", id, warnings: [] },
    };
  };
}

/** One that is gone already is none to complain about. */
export function detachContainer({ id, nodeId }: Pick<AttachmentRequest, "id" | "nodeId">): PlanMutation {
  return view => {
    const task = view.get("task", id);
    if (task?.attachment === undefined) return { changes: [], response: { kind: "done" } };
    if (task.nodeId !== nodeId) throw notOfNode(id);
    return { changes: [{ kind: "remove", table: "task", id, basedOn: task.version }], response: { kind: "done" } };
  };
}

function attachable(view: StateSnapshot, target: string): Network {
  const network = view.get("network", asId<NetworkId>(target)) ?? view.byName("network", target);
  if (network === undefined) throw rpcError("NotFound", `network ${target} not found`);
  if (!network.spec.isAttachable) throw rpcError("PermissionDenied", `network ${target} not manually attachable`);
  return network;
}

function node(view: StateSnapshot, nodeId: NodeId) {
  const found = view.get("node", nodeId);
  if (found === undefined) throw rpcError("NotFound", `node ${nodeId} not found`);
  return found;
}

function notOfNode(id: TaskId) {
  return rpcError("PermissionDenied", `attachment ${id} doesn't belong to this node`);
}

function checkAddresses(
  view: StateSnapshot,
  network: Network,
  { request, nowMs }: { readonly request: AttachmentRequest; readonly nowMs: number },
): void {
  const addresses = new AddressBook(view, { nowMs });
  for (const wanted of request.addresses) {
    if (network.ipam.length === 0 || addresses.take(network, { wanted }) !== undefined) continue;
    throw rpcError("InvalidArgument", `address ${wanted} is in use or not one of network ${network.spec.name}`);
  }
}

function newAttachment(
  { id, nodeId, containerId, containerName, aliases, addresses }: AttachmentRequest,
  { network, nowMs }: { readonly network: Network; readonly nowMs: number },
): Task {
  return {
    ...{ id, version: 0, createdAtMs: 0, updatedAtMs: 0, nodeId },
    ...{ serviceId: NO_SERVICE, revisionId: asId<RevisionId>(""), slot: 0 },
    desiredState: "running",
    status: { state: "new", atMs: nowMs, message: "created" },
    networks: [{ networkId: network.id, addresses: [], aliases }],
    hostPorts: [],
    attachment: { containerId, containerName, wantedAddresses: addresses },
  };
}

function withNames(task: Task, { containerName, aliases }: AttachmentRequest): Task {
  const { attachment } = task;
  return {
    ...task,
    networks: task.networks.map(network => ({ ...network, aliases })),
    ...(attachment !== undefined && { attachment: { ...attachment, containerName } }),
  };
}
