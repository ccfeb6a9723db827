import type { ClusterId, NodeId } from "../../model/ids.ts";
import type { LogFormat, LogLevel } from "../config.ts";

/** What `shoald` tells its manager process, as JSON in its first argument. No secrets: those are in files. */
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

/** What `shoald` writes to the manager's stdin, a line each. When the pipe closes instead, the manager ends at once. */
export const MANAGER_COMMANDS = {
  /** Hand leadership over, stop, exit 0. */
  stop: "stop",
  /** The certificate was renewed: read it again. */
  reload: "reload",
  /** Followed by the level that its log has from now on. */
  logLevel: "log-level",
} as const;
