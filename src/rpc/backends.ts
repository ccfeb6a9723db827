import type { Admission } from "../model/admission.ts";
import type { ClusterEvent } from "../model/cluster-event.ts";
import type { ControlCallOptions, ControlRequest, ControlResponse } from "../model/control.ts";
import type { NodeDescription, NodeRole, NodeSpec, TaskStatus } from "../model/cluster.ts";
import type { NodeId, SessionId, TaskId } from "../model/ids.ts";
import type { SessionDown, SessionUp } from "../model/session.ts";
import type { RaftMember } from "../ports/consensus.ts";
import type { Peer } from "./peer.ts";

// What the servers here call. Managers' parts fit these without knowing them.

interface Waiting {
  readonly signal: AbortSignal;
}

export interface ControlBackend {
  /** `isForwarded`: another manager passed it on, so it is answered here or refused as unavailable. */
  call(
    request: ControlRequest,
    options: Waiting & ControlCallOptions & { readonly isForwarded: boolean },
  ): Promise<ControlResponse>;
}

/** Offered to this host's daemon alone. */
export interface LocalBackend {
  /** What happens from this call on. */
  events(options: Waiting): AsyncIterable<ClusterEvent>;
  /** The cluster's state as a file. */
  backup(options: Waiting): AsyncIterable<Uint8Array>;
}

export interface DispatcherBackend {
  /** One worker's session; it lasts until either iterable ends or the signal is aborted. */
  session(
    peer: { readonly nodeId: NodeId; readonly role: NodeRole },
    up: AsyncIterable<SessionUp>,
    options: Waiting,
  ): AsyncIterable<SessionDown>;
}

/** `peer`: whose certificate the messages came with. */
export interface RaftBackend {
  receive(message: Uint8Array, peer: Peer): void;
  /** Its stream of messages ended, for whatever reason. */
  disconnected(peer: Peer): void;
  receiveSnapshot(chunks: AsyncIterable<Uint8Array>, peer: Peer): Promise<void>;
}

export interface IssueCall {
  readonly csrPem: string;
  /** Empty in a renewal. */
  readonly joinToken: string;
  readonly availability: NodeSpec["availability"];
  /** Whose certificate is renewed. */
  readonly nodeId?: NodeId;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  readonly rootPem: string;
  readonly nodeId: NodeId;
  readonly role: NodeRole;
}

export interface CaBackend {
  rootCertificate(): string;
  issue(call: IssueCall, options: Waiting): Promise<IssuedCertificate>;
}

export interface JoinBackend {
  join(
    peer: { readonly nodeId: NodeId; readonly role: NodeRole },
    options: { readonly address: string; readonly formatLevel?: number; readonly signal: AbortSignal },
  ): Promise<{ readonly raftId: number; readonly members: readonly RaftMember[] }>;
  leave(peer: { readonly nodeId: NodeId }, options: Waiting): Promise<void>;
}

/** What a manager asks of the one that leads, for the workers whose sessions it serves. */
export interface LeaderBackend {
  writeStatuses(report: StatusReport, options: Waiting): Promise<void>;
  describeNode(report: NodeReport, options: Waiting): Promise<void>;
  reportSessions(report: SessionReport, options: Waiting): Promise<{ readonly fenced: readonly SessionId[] }>;
}

export interface StatusReport {
  readonly nodeId: NodeId;
  readonly statuses: readonly { readonly taskId: TaskId; readonly status: TaskStatus }[];
}

export interface NodeReport {
  readonly nodeId: NodeId;
  readonly description: NodeDescription;
  readonly address: string;
}

export interface SessionReport {
  /** Missing: the first. */
  readonly formatLevel?: number;
  readonly managerId: NodeId;
  readonly sessions: readonly {
    readonly nodeId: NodeId;
    readonly sessionId: SessionId;
    readonly ageMs: number;
    readonly silenceMs: number;
  }[];
}

/** All that a manager answers on its manager port. */
export interface ManagerBackends {
  readonly control: ControlBackend;
  readonly dispatcher: DispatcherBackend;
  readonly raft: RaftBackend;
  readonly ca: CaBackend;
  readonly join: JoinBackend;
  readonly leader: LeaderBackend;
  /**
   * Its holder may have been removed since the certificate was issued, or have another role by now. Asked for each new
   * connection, and for all open ones every few seconds.
   */
  admission(peer: Peer): Admission;
}
