import type { NodeDescription } from "../../../src/model/cluster.ts";
import type { ClusterId, NodeId } from "../../../src/model/ids.ts";
import type { NodeIdentity } from "../../../src/ports/certificates.ts";
import type { RaftMember } from "../../../src/ports/consensus.ts";
import type { Stall } from "./stalls.ts";

// What the bench asks of the processes that it starts, over their IPC channels: one call, one answer.

export interface ManagerFigures {
  readonly rssBytes: number;
  /** Of objects and buffers, after a collection when one was asked for. */
  readonly heapBytes: number;
  /** Of the whole process since its start, in ms. */
  readonly cpuMs: number;
  readonly stall: Stall;
  /** Turns of the control loop. These and the stalls are since the last call that asked to begin anew. */
  readonly turns: { readonly count: number; readonly changes: number; readonly totalMs: number; readonly worstMs: number };
  readonly role: string;
  readonly term: number;
  readonly appliedIndex: number;
}

export interface SimulatedWorker {
  readonly nodeId: NodeId;
  readonly identity: NodeIdentity;
  readonly description: NodeDescription;
  readonly address: string;
}

export interface WorkerFigures {
  /** Containers that were ever started, and those that run now. */
  readonly started: number;
  readonly running: number;
  /** Workers whose session a manager has taken. */
  readonly sessions: number;
}

export interface ManagerCall {
  /** Garbage first. */
  readonly collects: boolean;
  readonly beginsAnew: boolean;
  /** Whether stalls are looked for from now on. */
  readonly looksForStalls: boolean;
}
export type WorkerCall =
  | {
      readonly kind: "start";
      readonly workers: readonly SimulatedWorker[];
      readonly managers: readonly string[];
      readonly startMs: number;
    }
  | { readonly kind: "figures" };

export interface RaftMemberOptions {
  readonly raftId: number;
  readonly address: string;
  readonly members: readonly RaftMember[];
  readonly directory: string;
  /** Added to each sync of the log. */
  readonly syncMs: number;
  readonly identity: NodeIdentity;
  readonly clusterId: ClusterId;
}

/** So many writers propose one after the other for so long; without any it only says how it is. */
export interface RaftCall {
  readonly writers: number;
  readonly forMs: number;
}

export interface RaftFigures {
  readonly role: string;
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly stall: Stall;
  readonly cpuMs: number;
}

export interface BareMemberOptions {
  readonly directory: string;
  /** Of its file there. */
  readonly name: string;
}

/** It writes to its own file and to the peers at these ports for so long; without peers it only says its port. */
export interface BareCall {
  readonly peers: readonly number[];
  readonly forMs: number;
}

export interface BareFigures {
  readonly port: number;
  readonly perSecond: number;
  readonly medianMs: number;
}
