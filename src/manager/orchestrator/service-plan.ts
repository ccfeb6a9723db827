import { parseConstraint, satisfies } from "../../scheduler/constraint.ts";
import type { Constraint } from "../../scheduler/constraint.ts";
import type { Revision, Service, Task } from "../../model/cluster.ts";
import type { NodeId, TaskId } from "../../model/ids.ts";
import type { TaskState } from "../../model/task-state.ts";
import type { Change } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { putTask, removal } from "../control-loop-draft.ts";
import { isOnItsWay, newTask, troubleOf } from "./instance.ts";
import type { NewTaskOptions, NodeTrouble } from "./instance.ts";
import { tasksWithoutResources } from "./node-resources.ts";
import { attemptsToRemember } from "./restart.ts";

/** As Swarm's, for a cluster that does not say. */
const HISTORY_DEFAULT = 5;
/** So many tasks of one drained node are replaced at once: their starts must not hold up what the others serve. */
const MOVES_MAX = 10;
/** So much of a turn's changes is left for what users ask for: an update is how one mends what ends as fast as it is started. */
const LEFT_FOR_USERS = 1 / 5;
/** When to look again for a place among them. */
const MOVES_RETRY_MS = 500;

export interface PlanContext {
  readonly nowMs: number;
  readonly newTaskId: () => TaskId;
  /** How many changes may still be made in this turn. */
  readonly budget: number;
  /** Tasks of drained nodes whose move was begun in this turn, by services that were planned before. */
  readonly moves?: Map<NodeId, number>;
}

/** What orchestrating one service comes to. */
export interface ServicePlan {
  readonly changes: readonly Change[];
  /** Look again then, whatever happens. */
  readonly wakeAtMs: number;
  /** The budget ran out: look again in the next turn. */
  readonly isPartial: boolean;
}

/** Collects the changes to one service's tasks. Owned by one call of `planService`. */
export class ServicePlanner {
  readonly view: Snapshot;
  readonly service: Service;
  readonly revision: Revision;
  readonly nowMs: number;
  readonly #newTaskId: () => TaskId;
  readonly #budget: number;
  readonly #changes = new Map<string, Change>();
  readonly #constraints: readonly Constraint[];
  readonly #nodes = new Map<NodeId, { readonly trouble: NodeTrouble | undefined; readonly isFit: boolean }>();
  readonly #lacking = new Map<NodeId, ReadonlySet<TaskId>>();
  readonly #moves: Map<NodeId, number>;
  #hasActiveNode: boolean | undefined;
  #historyLimit: number | undefined;
  #wakeAtMs = Infinity;
  #isPartial = false;

  constructor(view: Snapshot, options: PlanContext & { readonly service: Service; readonly revision: Revision }) {
    this.view = view;
    this.service = options.service;
    this.revision = options.revision;
    this.#constraints = (options.revision.task.placement?.constraints ?? []).map(parseConstraint);
    this.nowMs = options.nowMs;
    this.#newTaskId = options.newTaskId;
    this.#budget = options.budget;
    this.#moves = options.moves ?? new Map();
  }

  /** There is room for one more instance's changes. Asking notes that something is left when there is not. */
  hasRoom(): boolean {
    if (this.#changes.size < this.#budget) return true;
    this.#isPartial = true;
    return false;
  }

  /** How many more changes this turn may hold. */
  get room(): number {
    return Math.max(0, this.#budget - this.#changes.size);
  }

  /** Something is left for the next turn. */
  leave(): void {
    this.#isPartial = true;
  }

  /** The same for what the state of its tasks asks for. */
  hasRoomToSupervise(): boolean {
    if (this.#changes.size < this.#budget * (1 - LEFT_FOR_USERS)) return true;
    this.#isPartial = true;
    return false;
  }

  /** Why a task cannot stay where it is. Each node is looked up once. */
  nodeTrouble(task: Task): NodeTrouble | undefined {
    const { nodeId, revisionId, genericResources } = task;
    if (nodeId === undefined) return undefined;
    let facts = this.#nodes.get(nodeId);
    if (facts === undefined) {
      const node = this.view.get("node", nodeId);
      facts = { trouble: troubleOf(node), isFit: node !== undefined && this.#constraints.every(each => satisfies(node, each)) };
      this.#nodes.set(nodeId, facts);
    }
    if (genericResources !== undefined && facts.trouble === undefined && this.#lacksResources(nodeId).has(task.id))
      return "unfit";
    // A node's labels may have changed since; tasks of an older revision are the update's business.
    return facts.trouble ?? (facts.isFit || revisionId !== this.revision.id ? undefined : "unfit");
  }

  /** Its tasks that have what it has no more. */
  #lacksResources(nodeId: NodeId): ReadonlySet<TaskId> {
    let tasks = this.#lacking.get(nodeId);
    if (tasks === undefined) this.#lacking.set(nodeId, (tasks = tasksWithoutResources(this.view, nodeId)));
    return tasks;
  }

  /** Some node takes tasks. */
  get hasActiveNode(): boolean {
    this.#hasActiveNode ??= hasActiveNode(this.view);
    return this.#hasActiveNode;
  }

  /** Takes a place among the tasks of a drained node that are being replaced, of whatever service. @returns whether there is one. */
  beginMove(nodeId: NodeId): boolean {
    const moves = this.#moves.get(nodeId) ?? [...this.view.tasksOfNode(nodeId)].filter(isOnItsWay).length;
    if (moves >= MOVES_MAX) this.wakeAt(this.nowMs + MOVES_RETRY_MS);
    else this.#moves.set(nodeId, moves + 1);
    return moves < MOVES_MAX;
  }

  /** How many tasks of an instance are kept, those that run with them. */
  get historyLimit(): number {
    if (this.#historyLimit !== undefined) return this.#historyLimit;
    let limit = HISTORY_DEFAULT;
    for (const cluster of this.view.all("cluster")) limit = cluster.spec.taskHistoryLimit;
    const attempts = attemptsToRemember(this.revision.task.restart);
    this.#historyLimit = Math.max(limit, attempts === 0 ? 0 : attempts + 1);
    return this.#historyLimit;
  }

  /** What is wanted of a task that need not wait: to run, or in a job to complete. */
  get startedState(): "running" | "complete" {
    return this.service.job === undefined ? "running" : "complete";
  }

  /** Of what is no job, every task is. */
  isOfThisRun({ jobIteration }: Task): boolean {
    return jobIteration === this.service.job?.iteration;
  }

  wakeAt(atMs: number): void {
    if (atMs > this.nowMs) this.#wakeAtMs = Math.min(this.#wakeAtMs, atMs);
  }

  setDesired(task: Task, desiredState: TaskState): Task {
    if (task.desiredState === desiredState) return task;
    return this.put({ ...task, desiredState });
  }

  put(task: Task): Task {
    this.#changes.set(task.id, putTask(task));
    return task;
  }

  create(options: NewTaskOptions): Task {
    return this.put(newTask(this.service, { id: this.#newTaskId(), nowMs: this.nowMs, options }));
  }

  remove(task: Task): void {
    this.#changes.set(task.id, removal("task", task));
  }

  plan(others: readonly Change[] = []): ServicePlan {
    return { changes: [...this.#changes.values(), ...others], wakeAtMs: this.#wakeAtMs, isPartial: this.#isPartial };
  }
}

function hasActiveNode(view: Snapshot): boolean {
  for (const { status, spec } of view.all("node")) if (status.state === "ready" && spec.availability === "active") return true;
  return false;
}
