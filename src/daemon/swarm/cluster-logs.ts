import type { LogLine, LogOptions, LogStream } from "../../api/backends.ts";
import type { LogsBackend } from "../../api/context.ts";
import { errorKind, OperationError } from "../../lib/errors.ts";
import { MergedStreams } from "../../lib/merge-streams.ts";
import type { ControlCaller, ControlRequest, ControlResponse, TaskView } from "../../model/control.ts";
import { clusterIdFrom, type NodeId, type RequestId, type TaskId } from "../../model/ids.ts";
import type { TaskLogsRequest } from "../../model/task-logs.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";

/** How often a follower looks for tasks that have come. */
const LOOK_MS = 500;

type Target = Parameters<LogsBackend["clusterLogs"]>[0];

export interface ClusterLogsOptions {
  readonly control: ControlCaller;
  /** Lines of a task at the node where it is. `host`: the node's address, without a port. */
  readonly taskLogs: (
    node: { readonly nodeId: NodeId; readonly host: string },
    request: TaskLogsRequest,
    options: { readonly signal: AbortSignal },
  ) => AsyncIterable<readonly LogLine[]>;
  readonly clock: Clock;
  readonly random: Random;
}

/** Logs of services and tasks, from the nodes where their containers are: those that run and those that have ended and are still there. */
export class ClusterLogs implements LogsBackend {
  readonly #options: ClusterLogsOptions;

  constructor(options: ClusterLogsOptions) {
    this.#options = options;
  }

  async clusterLogs(target: Target, options: LogOptions): Promise<LogStream> {
    const tasks = await this.#tasks(target);
    const isTty = tasks.some(({ revision }) => revision.task.container.tty === true);
    return { isTty, batches: this.#batches(target, tasks, options) };
  }

  async *#batches(target: Target, tasks: readonly TaskView[], options: LogOptions): AsyncGenerator<readonly LogLine[]> {
    const merged = new MergedStreams<readonly LogLine[]>();
    const seen = new Set<TaskId>();
    const missing = new Set<NodeId>();
    const addNew = (found: readonly TaskView[]) => {
      for (const { task } of found) {
        const hasContainer = (task.status.container?.containerId ?? "") !== "";
        if (!hasContainer || task.nodeId === undefined || seen.has(task.id)) continue;
        seen.add(task.id);
        merged.add(this.#linesOf({ ...task, nodeId: task.nodeId }, { options, missing }));
      }
    };
    addNew(tasks);
    if (options.follow) void this.#lookForMore(target, addNew, options.signal).finally(() => merged.close());
    else merged.close();
    yield* merged.read();
    if (missing.size === 0 || options.signal.aborted) return;
    const reasons = [...missing].map(nodeId => `node ${nodeId} is not available`).join(", ");
    const text = "warning: incomplete log stream. some logs could not be retrieved for the following reasons";
    throw new OperationError("unavailable", `${text}: ${reasons}`);
  }

  async *#linesOf(
    { id: taskId, serviceId, nodeId }: TaskView["task"] & { readonly nodeId: NodeId },
    { options, missing }: { readonly options: LogOptions; readonly missing: Set<NodeId> },
  ): AsyncGenerator<readonly LogLine[]> {
    const { signal, ...wanted } = options;
    const [prefix, ids] = ["com.docker.swarm", { node: nodeId, service: serviceId, task: taskId }];
    const origin = Object.entries(ids).map(([what, id]) => `${prefix}.${what}.id=${id}`);
    try {
      const host = await this.#addressOf(nodeId);
      yield* this.#options.taskLogs({ nodeId, host }, { ...wanted, taskId, origin: origin.join(",") }, { signal });
    } catch (error) {
      // Its container has been taken away since.
      if (!signal.aborted && errorKind(error) !== "not-found") missing.add(nodeId);
    }
  }

  /** Until the client leaves, or the service is gone. */
  async #lookForMore(target: Target, addNew: (tasks: readonly TaskView[]) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(LOOK_MS, { signal }).catch(() => undefined);
      try {
        addNew(await this.#tasks(target));
      } catch (error) {
        if (errorKind(error) === "not-found") return;
      }
    }
  }

  async #tasks({ kind, id }: Target): Promise<readonly TaskView[]> {
    if (kind === "service") await this.#call({ kind: "get-service", idOrName: id });
    const answer = await this.#call(
      kind === "service" ? { kind: "list-tasks", filters: { service: [id] } } : { kind: "get-task", id },
    );
    return answer.kind === "tasks" ? answer.tasks : [];
  }

  async #addressOf(nodeId: NodeId): Promise<string> {
    const answer = await this.#call({ kind: "get-node", idOrName: nodeId });
    const address = answer.kind === "nodes" ? answer.nodes[0]?.node.status.address : undefined;
    if (address === undefined || address === "") throw new OperationError("unavailable", `node ${nodeId} is not available`);
    return address;
  }

  #call(request: ControlRequest): Promise<ControlResponse> {
    return this.#options.control.call(request, { requestId: clusterIdFrom<RequestId>(this.#options.random.bytes(25)) });
  }
}
