import { OperationError } from "../../../src/lib/errors.ts";
import type { TaskId } from "../../../src/model/ids.ts";
import type { AssignedTask } from "../../../src/model/session.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Executor, NetworkAssignments, StartedTask, TaskFiles } from "../../../src/worker/executor.ts";

interface Container {
  readonly task: AssignedTask;
  state: "created" | "running" | "exited";
  exitCode: number;
  readonly onExit: Set<() => void>;
}

/** In how many of a service's slots the image's containers end with 1 soon after their start: `crash` in all, `crash-2:v7` in the first two. */
export function brokenSlots(image: string): number {
  const [isBroken, slots = Infinity] = /^crash(?:-(\d+))?\b/.exec(image) ?? [];
  return isBroken === undefined ? 0 : Number(slots);
}

/** In how many of the first slots they end when an update has no eye on them any more: `late-2:v7`. */
function endingSlots(image: string): number {
  return Number(/^late-(\d+)\b/.exec(image)?.[1] ?? 0);
}

const BROKEN_RUN_MS = 500;
const LATE_RUN_MS = 7_000;

/** Containers of a node that is not there. They outlive the agent, as real ones outlive the daemon. */
export class SimulatedExecutor implements Executor {
  readonly containers = new Map<TaskId, Container>();
  network: NetworkAssignments = new Map();
  /** Before a container runs. Of what happens then its image decides: `missing` cannot be prepared; see also `brokenSlots` and `endingSlots`. */
  startMs = 100;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async applyNetwork(state: NetworkAssignments): Promise<void> {
    this.network = state;
  }

  /** The same node after a power loss: its containers have ended, and nobody is about to start one. */
  afterPowerLoss(): SimulatedExecutor {
    const next = new SimulatedExecutor(this.#clock);
    for (const [id, { task }] of this.containers)
      next.containers.set(id, { task, state: "exited", exitCode: 255, onExit: new Set() });
    return next;
  }

  /** What each task was given, by secret. */
  readonly files = new Map<TaskId, TaskFiles>();

  async prepare(
    task: AssignedTask,
    { signal, files }: { readonly signal: AbortSignal; readonly files: TaskFiles },
  ): Promise<void> {
    // As files are written: what the worker holds is wiped afterwards.
    this.files.set(task.task.id, structuredClone(files));
    await this.#clock.sleep(50, { signal });
    const { image } = task.revision.task.container;
    if (image === "missing") throw new OperationError("not-found", `No such image: ${image}`);
    const { id } = task.task;
    if (!this.containers.has(id)) this.containers.set(id, { task, state: "created", exitCode: 0, onExit: new Set() });
  }

  async start(task: AssignedTask, { signal }: { readonly signal: AbortSignal }): Promise<StartedTask> {
    await this.#clock.sleep(this.startMs, { signal });
    const container = this.#get(task.task.id);
    if (container.state === "created") container.state = "running";
    const { image } = task.revision.task.container;
    const slot = Math.max(1, task.task.slot);
    const runMs = brokenSlots(image) >= slot ? BROKEN_RUN_MS : endingSlots(image) >= slot ? LATE_RUN_MS : undefined;
    if (runMs !== undefined) void this.#clock.sleep(runMs).then(() => this.exit(task.task.id, 1));
    return { container: { containerId: `container-${task.task.id}`, pid: 1, exitCode: 0 } };
  }

  async wait(taskId: TaskId, { signal }: { readonly signal: AbortSignal }): Promise<{ readonly exitCode: number }> {
    const container = this.#get(taskId);
    while (container.state !== "exited") {
      signal.throwIfAborted();
      await new Promise<void>(resolve => {
        container.onExit.add(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return { exitCode: container.exitCode };
  }

  /** Signals that tasks got with new files. */
  readonly reloads: (readonly [taskId: TaskId, signal: string])[] = [];
  /** Attempts to renew files that are to fail. */
  renewalsToFail = 0;

  async renewFiles(
    { task: { id } }: AssignedTask,
    { secrets, configs, reloadSignals }: TaskFiles & { readonly reloadSignals: ReadonlyMap<string, string> },
  ): Promise<void> {
    if (this.renewalsToFail-- > 0) throw new OperationError("internal", "no space left on device");
    const known = this.files.get(id) ?? { secrets: new Map(), configs: new Map() };
    const kept = { secrets: new Map(known.secrets), configs: new Map(known.configs) };
    for (const [kind, given] of Object.entries({ secrets, configs }) as ["secrets" | "configs", TaskFiles["secrets"]][]) {
      for (const [name, data] of given) {
        const signal = reloadSignals.get(name);
        if (signal === undefined || Buffer.compare(data, kept[kind].get(name) ?? Buffer.alloc(0)) === 0) continue;
        kept[kind].set(name, Uint8Array.from(data));
        if (signal !== "") this.reloads.push([id, signal]);
      }
    }
    this.files.set(id, kept);
  }

  /** Called when a container gets its stop signal. */
  onStop: ((task: AssignedTask) => void) | undefined;

  async stop(task: AssignedTask, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.containers.get(task.task.id)?.state === "running") this.onStop?.(task);
    await this.#clock.sleep(200, { signal });
    this.exit(task.task.id, 143);
  }

  async remove(taskId: TaskId): Promise<void> {
    this.exit(taskId, 137);
    this.containers.delete(taskId);
    this.files.delete(taskId);
  }

  async list(): Promise<readonly TaskId[]> {
    return [...this.containers.keys()];
  }

  exit(taskId: TaskId, exitCode: number): void {
    const container = this.containers.get(taskId);
    if (container === undefined || container.state === "exited") return;
    container.state = "exited";
    container.exitCode = exitCode;
    for (const wake of container.onExit) wake();
  }

  running(): readonly AssignedTask[] {
    return [...this.containers.values()].filter(({ state }) => state === "running").map(({ task }) => task);
  }

  #get(taskId: TaskId): Container {
    const container = this.containers.get(taskId);
    if (container === undefined) throw new OperationError("not-found", `no container for task ${taskId}`);
    return container;
  }
}
