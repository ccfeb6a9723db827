/** In the order in which a task goes through them; it never goes back. @see Docker's TaskState. */
export const TASK_STATES = [
  "new",
  "pending",
  "assigned",
  "accepted",
  "preparing",
  "ready",
  "starting",
  "running",
  "complete",
  "shutdown",
  "failed",
  "rejected",
  "remove",
  "orphaned",
] as const;
export type TaskState = (typeof TASK_STATES)[number];

const RANK = Object.fromEntries(TASK_STATES.map((state, index) => [state, index])) as Record<TaskState, number>;

export function stateRank(state: TaskState): number {
  return RANK[state];
}

/** The task will not run any more. */
export function isTerminal(state: TaskState): boolean {
  return RANK[state] > RANK.running;
}

/** It is meant to run: for good, or, as a task of a job, until it completes. */
export function isToRun(desiredState: TaskState): boolean {
  return RANK[desiredState] <= RANK.complete;
}

/** The later of two states: a report that arrives late never takes a task back. */
export function laterState(a: TaskState, b: TaskState): TaskState {
  return RANK[a] >= RANK[b] ? a : b;
}
