import { errorKind, errorMessage, OperationError } from "../lib/errors.ts";
import type { Mount, PortConfig } from "../model/cluster.ts";
import type { Container, CreateContainerRequest, NetworkState } from "../model/container.ts";
import type { Filters } from "../model/control.ts";
import { asId } from "../model/ids.ts";
import type { TaskId } from "../model/ids.ts";
import type { AssignedTask } from "../model/session.ts";
import type { Clock } from "../ports/clock.ts";
import type { Executor, NetworkAssignments, StartedTask, TaskFiles } from "./executor.ts";
import { withTemplatesFilled } from "./file-templates.ts";
import { stopTimeoutSeconds, TASK_ID_LABEL, taskContainer } from "./task-container.ts";
import type { TaskFileStore } from "./task-file-store.ts";
import { taskName, type ThisNode } from "./task-names.ts";

/** How often a container with a health check is looked at. */
const HEALTH_PERIOD_MS = 200;

/** What tasks need of the engine's containers. */
export interface TaskContainers {
  create(request: CreateContainerRequest): Promise<unknown>;
  inspect(idOrName: string): Promise<Container>;
  list(options: { readonly all: boolean; readonly filters: Filters }): Promise<readonly Container[]>;
  start(idOrName: string): Promise<void>;
  stop(idOrName: string, options: { readonly timeoutSeconds?: number; readonly signal?: string }): Promise<void>;
  kill(idOrName: string, signal: string): Promise<void>;
  remove(
    idOrName: string,
    options: { readonly force: boolean; readonly volumes: boolean; readonly link: boolean },
  ): Promise<void>;
  wait(
    idOrName: string,
    condition: "not-running",
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly result: Promise<{ readonly exitCode: number; readonly error?: string }> }>;
}

/** What crosses hosts on this node. */
export interface ClusterNetworking {
  /** Makes overlays, peers, endpoints, services and ingress what `state` says. Resolves when it is in force. */
  apply(state: NetworkAssignments): Promise<void>;
}

/** Runs tasks as containers of this node's engine. */
export class EngineExecutor implements Executor {
  readonly #containers: TaskContainers;
  readonly #network: ClusterNetworking;
  readonly #files: TaskFileStore;
  readonly #clock: Clock;
  readonly #node: () => ThisNode;

  constructor(options: {
    readonly containers: TaskContainers;
    readonly network: ClusterNetworking;
    readonly files: TaskFileStore;
    readonly clock: Clock;
    readonly node: () => ThisNode;
  }) {
    this.#containers = options.containers;
    this.#network = options.network;
    this.#files = options.files;
    this.#clock = options.clock;
    this.#node = options.node;
  }

  async applyNetwork(state: NetworkAssignments): Promise<void> {
    await this.#network.apply(state);
  }

  async prepare(
    task: AssignedTask,
    { signal, files }: { readonly signal: AbortSignal; readonly files: TaskFiles },
  ): Promise<void> {
    const node = this.#node();
    const fileMounts = await this.#writeFiles(task, withTemplatesFilled(files, task, node));
    signal.throwIfAborted();
    if ((await this.#find(taskName(task))) !== undefined) return;
    await this.#containers.create(taskContainer({ assigned: task, node, fileMounts }));
  }

  async start(task: AssignedTask, { signal }: { readonly signal: AbortSignal }): Promise<StartedTask> {
    const name = taskName(task);
    const { state } = await this.#containers.inspect(name);
    if (state.status === "created") await this.#startContainer(name);
    for (;;) {
      const container = await this.#containers.inspect(name);
      const { status, health, pid, exitCode } = container.state;
      if (status === "exited" || status === "dead" || !awaitsHealth(container))
        return { container: { containerId: container.id, pid, exitCode }, ...portStatus(container.networks) };
      if (health?.status === "unhealthy") {
        await this.stop(task);
        throw new OperationError("internal", "dockerexec: unhealthy container");
      }
      await this.#clock.sleep(HEALTH_PERIOD_MS, { signal });
    }
  }

  async wait(
    taskId: TaskId,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<{ readonly exitCode: number; readonly error?: string }> {
    const container = await this.#ofTask(taskId);
    if (container === undefined) throw new OperationError("not-found", `the container of task ${taskId} is gone`);
    const over = new AbortController();
    const joined = AbortSignal.any([signal, over.signal]);
    const illness = { isNoticed: false };
    try {
      const { result } = await this.#containers.wait(container.id, "not-running", { signal: joined });
      const ending = hasHealthcheck(container)
        ? Promise.race([result, this.#endWhenIll(container, { signal: joined, illness }).then(() => result)])
        : result;
      const ended = await ending;
      return illness.isNoticed ? { exitCode: ended.exitCode, error: "dockerexec: unhealthy container" } : ended;
    } finally {
      over.abort();
    }
  }

  async renewFiles(
    task: AssignedTask,
    { reloadSignals, ...files }: TaskFiles & { readonly reloadSignals: ReadonlyMap<string, string> },
  ): Promise<void> {
    const { id } = task.task;
    const { secrets, configs } = withTemplatesFilled(files, task, this.#node());
    const wanted = [...secrets, ...configs].filter(([name]) => reloadSignals.has(name));
    const renewed = await this.#files.renew(id, new Map(wanted)).finally(() => wipe(secrets));
    const signals = new Set(renewed.map(name => reloadSignals.get(name) ?? "").filter(signal => signal !== ""));
    for (const signal of signals) await this.#containers.kill(taskName(task), signal).catch(unlessEnded);
    await this.#files.settle(id, renewed);
  }

  async stop(task: AssignedTask): Promise<void> {
    const name = taskName(task);
    try {
      await this.#containers.stop(name, { timeoutSeconds: stopTimeoutSeconds(task) });
    } catch (error) {
      const kind = errorKind(error);
      if (kind !== "not-found" && kind !== "not-modified") throw error;
    }
  }

  async remove(taskId: TaskId): Promise<void> {
    const container = await this.#ofTask(taskId);
    try {
      if (container !== undefined) await this.#containers.remove(container.id, { force: true, volumes: true, link: false });
    } catch (error) {
      if (errorKind(error) !== "not-found") throw error;
    }
    await this.#files.remove(taskId);
  }

  async list(): Promise<readonly TaskId[]> {
    const containers = await this.#containers.list({ all: true, filters: { label: [TASK_ID_LABEL] } });
    return containers.flatMap(({ config }) => {
      const id = config.labels[TASK_ID_LABEL];
      return id === undefined ? [] : [asId<TaskId>(id)];
    });
  }

  /** Copies of secrets that were made for this are wiped. */
  async #writeFiles(task: AssignedTask, files: TaskFiles): Promise<readonly Mount[]> {
    try {
      return await this.#files.write(task, files);
    } finally {
      wipe(files.secrets);
    }
  }

  async #startContainer(name: string): Promise<void> {
    try {
      await this.#containers.start(name);
    } catch (error) {
      throw new OperationError(errorKind(error), `starting container failed: ${errorMessage(error)}`, { cause: error });
    }
  }

  /** A container that falls ill while it runs is stopped, and its task has failed. */
  async #endWhenIll(
    container: Container,
    { signal, illness }: { readonly signal: AbortSignal; readonly illness: { isNoticed: boolean } },
  ): Promise<void> {
    for (;;) {
      await this.#clock.sleep(HEALTH_PERIOD_MS, { signal });
      const { state } = await this.#containers.inspect(container.id);
      if (state.status !== "running" || state.health?.status !== "unhealthy") continue;
      illness.isNoticed = true;
      await this.#containers.stop(container.id, {});
      return;
    }
  }

  async #ofTask(taskId: TaskId): Promise<Container | undefined> {
    const [container] = await this.#containers.list({ all: true, filters: { label: [`${TASK_ID_LABEL}=${taskId}`] } });
    return container;
  }

  async #find(name: string): Promise<Container | undefined> {
    try {
      return await this.#containers.inspect(name);
    } catch (error) {
      if (errorKind(error) === "not-found") return undefined;
      throw error;
    }
  }
}

function wipe(secrets: TaskFiles["secrets"]): void {
  for (const data of secrets.values()) data.fill(0);
}

function hasHealthcheck({ config: { healthcheck } }: Container): boolean {
  const [kind = "NONE"] = healthcheck?.test ?? [];
  return kind !== "NONE";
}

function unlessEnded(error: unknown): void {
  const kind = errorKind(error);
  if (kind !== "not-found" && kind !== "conflict") throw error;
}

function awaitsHealth(container: Container): boolean {
  return hasHealthcheck(container) && container.state.health?.status !== "healthy";
}

/** Each port of this host that leads to the task, once for each family. */
function portStatus({ ports }: NetworkState): Pick<StartedTask, "portStatus"> {
  const portStatus = Object.entries(ports).flatMap(([key, bindings]) => {
    const [targetPort = "", protocol = "tcp"] = key.split("/");
    return bindings.map(
      ({ hostPort }): PortConfig => ({
        protocol: protocol as PortConfig["protocol"],
        targetPort: Number(targetPort),
        publishedPort: Number(hostPort),
        publishMode: "host",
      }),
    );
  });
  return portStatus.length === 0 ? {} : { portStatus };
}
