import type { Node, Service, Task } from "../../model/cluster.ts";
import type { NodeId, TaskId } from "../../model/ids.ts";
import { isTerminal, isToRun } from "../../model/task-state.ts";
import type { Snapshot } from "../store/snapshot.ts";

/** One place of a service: a slot of a replicated one, a node of a global one, with all its tasks, oldest first. */
export interface Instance {
  readonly slot: number;
  /** Only in a global service or job. */
  readonly nodeId?: NodeId;
  readonly tasks: readonly Task[];
}

/** It is meant to run, now or when its turn comes. A job's task that has completed is wanted no more. */
export function isWanted({ desiredState, status }: Task): boolean {
  return isToRun(desiredState) && !(desiredState === "complete" && status.state === "complete");
}

export function isDead(task: Task): boolean {
  return isTerminal(task.status.state);
}

export function isServing(task: Task): boolean {
  return isWanted(task) && task.status.state === "running";
}

/** Something is to take its place before it is stopped. */
export function isOnItsWay(task: Task): boolean {
  return task.stopNotAfterMs !== undefined && isWanted(task);
}

/** It ended without being told to. */
export function hasEndedByItself({ status: { state } }: Task): boolean {
  return state === "complete" || state === "failed" || state === "rejected";
}

/** `unfit`: it does not meet the constraints any more. */
export type NodeTrouble = "gone" | "down" | "drained" | "unfit";

/** Why a node's tasks cannot stay there. */
export function troubleOf(node: Node | undefined): NodeTrouble | undefined {
  if (node === undefined) return "gone";
  if (node.status.state === "down") return "down";
  return node.spec.availability === "drain" ? "drained" : undefined;
}

/** Nothing will be heard of this task until its node is back, if ever. */
export function isOutOfReach(view: Snapshot, task: Task): boolean {
  if (task.nodeId === undefined) return true;
  const trouble = troubleOf(view.get("node", task.nodeId));
  return trouble === "gone" || trouble === "down";
}

/** A slot, or in a global service a node. */
export type InstanceKey = number | NodeId;

export function keyOfInstance({ slot, nodeId }: Instance): InstanceKey {
  return nodeId ?? slot;
}

export function keyOfTask(task: Task, { isByNode }: { readonly isByNode: boolean }): InstanceKey | undefined {
  return isByNode ? task.nodeId : task.slot;
}

/** The instance with this task, in the place of an older form of it. */
export function withTask(instance: Instance | undefined, task: Task, { isByNode }: { readonly isByNode: boolean }): Instance {
  const others = instance?.tasks.filter(({ id }) => id !== task.id) ?? [];
  const tasks = others.length === 0 ? [task] : [...others, task].sort(byAge);
  return { slot: task.slot, tasks, ...(isByNode && task.nodeId !== undefined && { nodeId: task.nodeId }) };
}

/** It waits for its addresses or for a node. */
export function isOpen(task: Task): boolean {
  return (task.status.state === "new" || task.status.state === "pending") && isWanted(task);
}

/** Tasks made at the same moment go by id, so that every leader sees one order. */
function byAge(a: Task, b: Task): number {
  return a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);
}

export interface NewTaskOptions {
  readonly slot: number;
  readonly nodeId: NodeId | undefined;
  readonly desiredState: "ready" | "running" | "complete";
  readonly startNotBeforeMs: number | undefined;
}

const NOTHING: readonly never[] = [];

/**
 * A task that runs the service's present revision. Its networks are the allocator's, its node the scheduler's business. Made field by
 * field: a hundred thousand of them are made for one service, and spreads take five times as long.
 */
export function newTask(
  service: Service,
  { id, nowMs, options }: { readonly id: TaskId; readonly nowMs: number; readonly options: NewTaskOptions },
): Task {
  const { slot, nodeId, desiredState, startNotBeforeMs } = options;
  const task: { -readonly [Key in keyof Task]: Task[Key] } = {
    id,
    version: 0,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    serviceId: service.id,
    revisionId: service.revisionId,
    slot,
    desiredState,
    status: { state: "new", atMs: nowMs, message: "created" },
    networks: NOTHING,
    hostPorts: NOTHING,
  };
  if (nodeId !== undefined) task.nodeId = nodeId;
  if (startNotBeforeMs !== undefined) task.startNotBeforeMs = startNotBeforeMs;
  if (service.job !== undefined) task.jobIteration = service.job.iteration;
  return task;
}
