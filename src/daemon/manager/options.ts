import type { ClusterId, NodeId } from "../../model/ids.ts";
import type { LogFormat, LogLevel } from "../config.ts";

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
