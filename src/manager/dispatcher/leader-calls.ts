import type { NodeDescription, TaskStatus } from "../../model/cluster.ts";
import type { NodeId, SessionId, TaskId } from "../../model/ids.ts";

/** What a manager asks of the one that leads: itself, or another one over the wire. All values are plain data. */
export interface LeaderCalls {
  /**
   * Resolves when the statuses are in the state, or were found to be older than what is.
   * @throws OperationError `unavailable` when this manager does not lead.
   */
  writeStatuses(report: StatusReport, options: { readonly signal: AbortSignal }): Promise<void>;
  describeNode(report: NodeReport, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Sent every 500 ms, also without sessions: it says that this manager is heard. */
  reportSessions(
    report: SessionReport,
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly fenced: readonly SessionId[] }>;
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

/** Ages, not times: managers' clocks differ. */
export interface SessionReport {
  /** The newest format of the log's entries that the reporting manager reads; missing: the first. */
  readonly formatLevel?: number;
  /** The reporting manager's own node. */
  readonly managerId: NodeId;
  readonly sessions: readonly {
    readonly nodeId: NodeId;
    readonly sessionId: SessionId;
    /** Since it was opened. */
    readonly ageMs: number;
    /** Since the last beat, or anything else, came up. */
    readonly silenceMs: number;
  }[];
}
