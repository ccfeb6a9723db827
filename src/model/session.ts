import type { Network, Node, PortConfig, Revision, Task, TaskStatus } from "./cluster.ts";
import type { NetworkId, NodeId, ServiceId, SessionId, TaskId } from "./ids.ts";
import type { CertificateIssuer, NodeDescription, NodeRole, Reloading } from "./cluster.ts";
import type { TemplateDriver } from "./cluster-files.ts";

/** What a worker sends up its session stream. The node's id comes from its certificate. */
export type SessionUp =
  | {
      readonly kind: "hello";
      readonly description: NodeDescription /** Its own idea of its address; may be empty. */;
      readonly address: string;
    }
  | { readonly kind: "beat" }
  | { readonly kind: "statuses"; readonly statuses: readonly { readonly taskId: TaskId; readonly status: TaskStatus }[] };

/** What a manager sends down. */
export type SessionDown =
  | { readonly kind: "welcome"; readonly sessionId: SessionId; readonly beatPeriodMs: number }
  /** Where the managers are, most useful first, and the nodes whose managers' certificates count; sent at the start and on change. */
  | { readonly kind: "managers"; readonly addresses: readonly string[]; readonly nodeIds: readonly NodeId[] }
  /** What the node is to trust and whose certificate it is to have, sent at the start and on change. */
  | { readonly kind: "authority"; readonly authority: Authority }
  /** The role this node is to have, sent when it is not the one of its certificate and on change: it asks for another certificate. */
  | { readonly kind: "role"; readonly role: NodeRole }
  | { readonly kind: "assignments"; readonly assignments: Assignments };

export interface Authority {
  /** PEM, one or two. */
  readonly rootsPem: string;
  /** A node with another's certificate asks for a new one. */
  readonly issuer: CertificateIssuer;
  /** At a time of its choice within so long, in ms: a cluster's nodes do not all come at once. */
  readonly spreadMs: number;
}

/**
 * What a node needs to know. `full` replaces everything; a delta names what was put and what was removed.
 * Numbers rise by one within a session; a gap is a broken session.
 */
export interface Assignments {
  readonly sequence: number;
  readonly isFull: boolean;
  readonly put: readonly Assignment[];
  readonly removed: readonly AssignmentKey[];
}

export type Assignment =
  /** A task of this node, with what it runs. */
  | { readonly kind: "task"; readonly task: AssignedTask }
  /** A network that a task of this node is on, or the ingress network. */
  | { readonly kind: "network"; readonly network: Network }
  /** Every node of the cluster that takes part in a network of this node: where its traffic goes. */
  | { readonly kind: "peer"; readonly peer: Peer }
  /** A service with tasks on a network of this node, or with published ports. */
  | { readonly kind: "service"; readonly service: AssignedService }
  /** A task anywhere in the cluster that is on a network of this node, or behind an ingress port. */
  | { readonly kind: "endpoint"; readonly endpoint: Endpoint }
  | { readonly kind: "secret"; readonly secret: AssignedBlob }
  | { readonly kind: "config"; readonly config: AssignedBlob };

export type AssignmentKey = { readonly kind: Assignment["kind"]; readonly id: string };

/** A secret or a config that a task of this node names. */
export interface AssignedBlob extends Reloading {
  readonly id: string;
  readonly data: Uint8Array;
  readonly templateDriver?: TemplateDriver;
}

export interface AssignedTask {
  readonly task: Task;
  readonly revision: Revision;
  readonly serviceName: string;
  readonly serviceLabels: Readonly<Record<string, string>>;
}

export interface Peer {
  readonly nodeId: NodeId;
  readonly hostname: string;
  /** Underlay address of its VXLAN end. */
  readonly address: string;
  readonly ingressNumber: number;
  /** CIDR form. */
  readonly ingressAddress: string;
  /** It has been silent for too long. Its tasks may still run, but are replaced: nothing new is sent to them. */
  readonly isDown: boolean;
}

export interface AssignedService {
  readonly id: ServiceId;
  readonly name: string;
  readonly endpointMode: "vip" | "dnsrr";
  readonly virtualIps: readonly { readonly networkId: NetworkId; readonly address: string }[];
  readonly ports: readonly PortConfig[];
}

export interface Endpoint {
  readonly taskId: TaskId;
  readonly serviceId: ServiceId;
  /** `service.slot.taskId` or `service.nodeId.taskId`, as container names are made. */
  readonly taskName: string;
  readonly nodeId: NodeId;
  readonly networks: readonly { readonly networkId: NetworkId; readonly address: string; readonly aliases: readonly string[] }[];
  /** Traffic may be sent to it: it runs and is not to be stopped. Others are reachable by address only. */
  readonly isServing: boolean;
  /** Of a container made by hand. It has no service, and its aliases are names of its own. */
  readonly containerId?: string;
}

export function assignmentId(assignment: Assignment): string {
  switch (assignment.kind) {
    case "task":
      return assignment.task.task.id;
    case "network":
      return assignment.network.id;
    case "peer":
      return assignment.peer.nodeId;
    case "service":
      return assignment.service.id;
    case "endpoint":
      return assignment.endpoint.taskId;
    case "secret":
      return assignment.secret.id;
    case "config":
      return assignment.config.id;
  }
}

/** Nodes that a `Node` record is enough for: the peer as workers see it, once it has its numbers. */
export function peerOf(node: Node): Peer | undefined {
  if (node.ingressNumber === undefined || node.ingressAddress === undefined) return undefined;
  return {
    nodeId: node.id,
    hostname: node.description?.hostname ?? "",
    address: node.description?.dataPathAddress ?? node.status.address,
    ingressNumber: node.ingressNumber,
    ingressAddress: node.ingressAddress,
    isDown: node.status.state === "down",
  };
}
