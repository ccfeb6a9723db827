import { OperationError } from "../../lib/errors.ts";
import { SECOND_FORMAT_LEVEL } from "../../codec/format-needs.ts";
import type { Task, TaskStatus } from "../../model/cluster.ts";
import type { NodeId, TaskId } from "../../model/ids.ts";
import { isTerminal, stateRank } from "../../model/task-state.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ApplyResult, Change, Entry } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import type { StatusReport } from "./leader-calls.ts";

/** Statuses that arrive within this time share an entry. */
const BATCH_MS = 50;
const BATCH_STATUSES_MAX = 500;
/** Waiting reports beyond this are refused, and sent again by their workers. */
const QUEUE_MAX = 50_000;
/** How often a batch is built anew when the control loop was faster. */
const ATTEMPTS_MAX = 20;

interface Waiting {
  readonly nodeId: NodeId;
  readonly taskId: TaskId;
  readonly status: TaskStatus;
}

interface Batch {
  readonly latest: Map<string, Waiting>;
  readonly done: Promise<void>;
}

/** Turns workers' reports into entries. A status only moves a task forward, and only its own node may move it. */
export class StatusWriter {
  readonly #view: () => Snapshot;
  readonly #propose: (entry: Omit<Entry, "atMs">, options: { readonly signal?: AbortSignal }) => Promise<ApplyResult>;
  readonly #readBarrier: () => Promise<void>;
  readonly #clock: Clock;
  #open: Batch | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waitingCount = 0;

  constructor(options: {
    readonly view: () => Snapshot;
    readonly propose: (entry: Omit<Entry, "atMs">, options: { readonly signal?: AbortSignal }) => Promise<ApplyResult>;
    /** Resolves when the view holds everything that any manager has applied before the call. */
    readonly readBarrier: () => Promise<void>;
    readonly clock: Clock;
  }) {
    this.#view = options.view;
    this.#propose = options.propose;
    this.#readBarrier = options.readBarrier;
    this.#clock = options.clock;
  }

  /** Resolves when they are in the state. @throws OperationError `unavailable`: not written, or not known to be. */
  async write({ nodeId, statuses }: StatusReport): Promise<void> {
    if (statuses.length === 0) return;
    if (this.#waitingCount + statuses.length > QUEUE_MAX)
      throw new OperationError("unavailable", "too many statuses are waiting");
    const batch = (this.#open ??= this.#begin());
    this.#waitingCount += statuses.length;
    for (const { taskId, status } of statuses) {
      const known = batch.latest.get(`${nodeId}/${taskId}`);
      if (known === undefined || isNewer(status, known.status))
        batch.latest.set(`${nodeId}/${taskId}`, { nodeId, taskId, status });
    }
    try {
      await batch.done;
    } finally {
      this.#waitingCount -= statuses.length;
    }
  }

  #begin(): Batch {
    const latest = new Map<string, Waiting>();
    const done = this.#run(latest);
    return { latest, done };
  }

  async #run(latest: ReadonlyMap<string, Waiting>): Promise<void> {
    await this.#clock.sleep(BATCH_MS);
    this.#open = undefined;
    const write = this.#last.then(() => this.#writeAll([...latest.values()]));
    this.#last = write.catch(() => undefined);
    await write;
  }

  async #writeAll(statuses: readonly Waiting[]): Promise<void> {
    for (let index = 0; index < statuses.length; index += BATCH_STATUSES_MAX) {
      await this.#writeBatch(statuses.slice(index, index + BATCH_STATUSES_MAX));
    }
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    // Another manager may have applied, and told its workers, what this one has only committed: its disk may be the slowest.
    if (batch.some(({ taskId }) => this.#view().get("task", taskId) === undefined)) await this.#readBarrier();
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const changes = statusChanges(this.#view(), batch);
      if (changes.length === 0) return;
      const result = await this.#propose({ changes, reliesOn: [] }, {});
      if (result.kind === "applied") return;
    }
    throw new OperationError("unavailable", "statuses were overtaken too often");
  }
}

function statusChanges(view: Snapshot, batch: readonly Waiting[]): readonly Change[] {
  return batch.flatMap(({ nodeId, taskId, status }): readonly Change[] => {
    const task = view.get("task", taskId);
    if (task === undefined || task.nodeId !== nodeId || !isNewer(status, task.status)) return [];
    const object = { ...task, status, ...howLongItRan(view, { was: task.status, is: status }) };
    return [{ kind: "put", table: "task", object, basedOn: task.version }];
  });
}

/** Both times are the node's own, however long its reports took. */
function howLongItRan(
  { formatLevel }: Pick<Snapshot, "formatLevel">,
  { was, is }: { readonly was: TaskStatus; readonly is: TaskStatus },
): Pick<Task, "ranForMs"> {
  const isEnd = was.state === "running" && isTerminal(is.state);
  if (!isEnd || formatLevel < SECOND_FORMAT_LEVEL) return {}; // Older managers have no place for it.
  return { ranForMs: Math.max(0, is.atMs - was.atMs) };
}

/** Forward, or the same state with more to tell. What has ended stays as it ended. */
export function isNewer(next: TaskStatus, known: TaskStatus): boolean {
  const step = stateRank(next.state) - stateRank(known.state);
  if (step !== 0) return step > 0 && !isTerminal(known.state);
  return !isTerminal(known.state) && (next.message !== known.message || next.error !== known.error || isRicher(next, known));
}

function isRicher(next: TaskStatus, known: TaskStatus): boolean {
  return next.container !== undefined && JSON.stringify(next.container) !== JSON.stringify(known.container);
}
