import type { TaskId } from "./ids.ts";

/** Which of a task's lines are wanted, and how. @see LogOptions of the REST adapter */
export interface TaskLogsRequest {
  readonly taskId: TaskId;
  readonly follow: boolean;
  readonly wantsStdout: boolean;
  readonly wantsStderr: boolean;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** In front of each line where details are asked for, behind the container's own: `a=b,c=d`. */
  readonly origin: string;
  /** ns since 1970. */
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
  /** Missing: all. */
  readonly tail?: number;
}

export interface TaskLogLine {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

/** What a node can tell of its tasks' logs. */
export interface TaskLogs {
  /** @throws OperationError `not-found` when the task has no container here. */
  taskLogs(request: TaskLogsRequest, options: { readonly signal: AbortSignal }): AsyncIterable<readonly TaskLogLine[]>;
}
