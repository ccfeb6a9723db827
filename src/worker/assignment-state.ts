import { OperationError } from "../lib/errors.ts";
import { wipeableCopy } from "../lib/wipeable-copy.ts";
import type { TaskId } from "../model/ids.ts";
import type { AssignedTask, Assignment, AssignmentKey, Assignments } from "../model/session.ts";
import { assignmentId } from "../model/session.ts";
import type { NetworkAssignments } from "./executor.ts";

/** What the managers have told this node, as of a sequence number of the present session. */
export interface AssignmentState {
  readonly sequence: number;
  /** By `kind/id`. */
  readonly byKey: ReadonlyMap<string, Assignment>;
}

export const NOTHING_ASSIGNED: AssignmentState = { sequence: 0, byKey: new Map() };

/** `state` is not to be used any more. @throws OperationError `internal` when a message is missing: the session is broken. */
export function applyAssignments(state: AssignmentState, { sequence, isFull, put, removed }: Assignments): AssignmentState {
  if (!isFull && sequence !== state.sequence + 1) {
    throw new OperationError("internal", `assignments ${sequence} came after ${state.sequence}`);
  }
  const byKey = new Map(isFull ? [] : state.byKey);
  for (const key of removed) byKey.delete(textOf(key));
  for (const assignment of put) byKey.set(textOf({ kind: assignment.kind, id: assignmentId(assignment) }), owned(assignment));
  wipeSecrets(state, byKey);
  return { sequence, byKey };
}

/** The state's own copy of a secret: whoever brought it wipes its own. */
function owned(assignment: Assignment): Assignment {
  if (assignment.kind !== "secret") return assignment;
  return { ...assignment, secret: { ...assignment.secret, data: wipeableCopy(assignment.secret.data) } };
}

/** Those that this node has no more: they are in nobody else's hands, and in no memory image from now on. */
function wipeSecrets({ byKey: before }: AssignmentState, after: AssignmentState["byKey"]): void {
  for (const [key, assignment] of before) {
    if (assignment.kind === "secret" && after.get(key) !== assignment) assignment.secret.data.fill(0);
  }
}

export function assignedTasks({ byKey }: AssignmentState): ReadonlyMap<TaskId, AssignedTask> {
  const tasks = new Map<TaskId, AssignedTask>();
  for (const assignment of byKey.values()) if (assignment.kind === "task") tasks.set(assignment.task.task.id, assignment.task);
  return tasks;
}

export function networkAssignments({ byKey }: AssignmentState): NetworkAssignments {
  const networks = new Map<string, Extract<Assignment, { kind: "network" | "peer" | "service" | "endpoint" }>>();
  for (const [key, assignment] of byKey) {
    const { kind } = assignment;
    if (kind === "network" || kind === "peer" || kind === "service" || kind === "endpoint") networks.set(key, assignment);
  }
  return networks;
}

export function touchesNetwork({ isFull, put, removed }: Assignments): boolean {
  const isNetwork = ({ kind }: { readonly kind: AssignmentKey["kind"] }): boolean =>
    kind === "network" || kind === "peer" || kind === "service" || kind === "endpoint";
  return isFull || put.some(isNetwork) || removed.some(isNetwork);
}

export function touchesFiles({ put }: Assignments): boolean {
  return put.some(({ kind }) => kind === "secret" || kind === "config");
}

function textOf({ kind, id }: AssignmentKey): string {
  return `${kind}/${id}`;
}
