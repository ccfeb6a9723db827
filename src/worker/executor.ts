import type { TaskStatus } from "../model/cluster.ts";
import type { TaskId } from "../model/ids.ts";
import type { AssignedTask, Assignment } from "../model/session.ts";

/** What is told of a task that runs. */
export type StartedTask = Pick<TaskStatus, "container" | "portStatus">;

/** What runs tasks on this node: `engine-executor.ts` on the real engine, a simulated one in tests. */
export interface Executor {
  /** Makes the network state of this node (overlays, peers, endpoints, services' addresses, ingress) what it is told. Resolves when it is in force. */
  applyNetwork(state: NetworkAssignments): Promise<void>;
  /** Makes the container and all it needs. Twice for one task is safe: the second finds the first's. */
  prepare(task: AssignedTask, options: { readonly signal: AbortSignal; readonly files: TaskFiles }): Promise<void>;
  /** Starts it; resolves when it runs (and is healthy, if it has a health check). */
  start(task: AssignedTask, options: { readonly signal: AbortSignal }): Promise<StartedTask>;
  /** Resolves when it has ended, also if that was before the call. */
  wait(
    taskId: TaskId,
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly exitCode: number; readonly error?: string }>;
  /**
   * Puts the data that is newer than that of a running task in its files, those of `reloadSignals` alone, and then sends the signals
   * (each once; empty: none). Cut short, it is done again by the next call.
   */
  renewFiles(task: AssignedTask, files: TaskFiles & { readonly reloadSignals: ReadonlyMap<string, string> }): Promise<void>;
  /** Stop signal, grace period, kill. Resolves when it has ended; no error when it had. */
  stop(task: AssignedTask, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Takes the container away; no error when it is gone. */
  remove(taskId: TaskId): Promise<void>;
  /** Tasks whose containers are on this node now, whatever their state. */
  list(): Promise<readonly TaskId[]>;
}

/** What the secrets and configs that a task names hold, by their ids. Secrets stay in memory and in a tmpfs. */
export interface TaskFiles {
  readonly secrets: ReadonlyMap<string, Uint8Array>;
  readonly configs: ReadonlyMap<string, Uint8Array>;
  /** Of both, the ids of those that are templates. Missing: none is. */
  readonly templates?: ReadonlySet<string>;
}

export type NetworkAssignments = ReadonlyMap<string, Extract<Assignment, { kind: "network" | "peer" | "service" | "endpoint" }>>;
