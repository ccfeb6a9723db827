import type { ClusterId, NodeId } from "../../model/ids.ts";
import type { LogFormat, LogLevel } from "../config.ts";

/**
 * V8's halves for new objects, in MB. By default each grows to 16 and is never given back: 34 MB a manager that is idle again, which is a
 * third of what each of 2,000 sessions takes.
 */
const SEMI_SPACE_MB = 8;

/** How Node.js is told to run a manager. */
export const MANAGER_NODE_FLAGS: readonly string[] = [`--max-semi-space-size=${SEMI_SPACE_MB}`];

/**
 * And the C library. Node.js keeps 64 KiB for what each TLS connection reads next, of which a session of beats needs a page. Cut out of the
 * heap it mostly lies where others have been and counts as resident whole; mapped by itself only the pages that were used do: 32 kB of
 * each of 2,000 sessions that came to a busy machine, next to nothing on a quiet one. By default the library maps only what is twice as large.
 *
 * @see mallopt(3), M_MMAP_THRESHOLD
 */
export const MANAGER_ENVIRONMENT: Readonly<Record<string, string>> = { MALLOC_MMAP_THRESHOLD_: String(64 * 1024) };

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
