import { OperationError } from "../lib/errors.ts";
import type { Container } from "../model/container.ts";
import type { Filters } from "../model/control.ts";
import type { TaskLogLine, TaskLogs, TaskLogsRequest } from "../model/task-logs.ts";
import { TASK_ID_LABEL } from "./task-container.ts";

type ReadOptions = Omit<TaskLogsRequest, "taskId"> & { readonly signal: AbortSignal };

interface LoggingContainers {
  list(options: { readonly all: boolean; readonly filters: Filters }): Promise<readonly Container[]>;
  logs(id: string, options: ReadOptions): Promise<{ readonly batches: AsyncIterable<readonly TaskLogLine[]> }>;
}

/** What the containers of this node's tasks have printed. Of other containers nothing is told. */
export function taskLogsOn(containers: LoggingContainers): TaskLogs {
  return {
    async *taskLogs({ taskId, ...options }, { signal }) {
      const [container] = await containers.list({ all: true, filters: { label: [`${TASK_ID_LABEL}=${taskId}`] } });
      if (container === undefined) throw new OperationError("not-found", `task ${taskId} has no container here`);
      const { batches } = await containers.logs(container.id, { ...options, signal });
      yield* batches;
    },
  };
}
