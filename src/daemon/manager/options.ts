import type { ClusterId, NodeId } from "../../model/ids.ts";
import type { LogFormat, LogLevel } from "../config.ts";

/**
 * How Node runs a manager. V8 lets its youngest objects fill 48 MB before it looks which of them live (in MB, a third of it): here 6 MB, for
 * as much processor time (0.04 MB fewer resident for each of 700 sessions).
 */
export const MANAGER_NODE_FLAGS: readonly string[] = ["--max-semi-space-size=2"];

/** What `shoald` tells its manager process, as JSON in its first argument. No secrets: those come by the pipe. */
export interface ManagerOptions {
  /** The swarm folder of the node. */
  readonly dataRoot: string;
  readonly socketPath: string;
  readonly nodeId: NodeId;
  readonly clusterId: ClusterId;
  readonly listenAddress: string;
  /** host:port that the other managers reach it by. */
  readonly advertiseAddress: string;
  readonly raftId: number;
  readonly isFounder: boolean;
  readonly crashDirectory: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Its own, beside that of `shoald`; missing: stderr. */
  readonly logFile?: string;
}
