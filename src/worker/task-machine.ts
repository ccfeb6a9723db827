import type { TaskState } from "../model/task-state.ts";
import { isTerminal, isToRun, stateRank } from "../model/task-state.ts";

/** What a node has to do next for one of its tasks. */
export type Step =
  /** Nothing, until something else is wanted of it. */
  | { readonly kind: "rest" }
  | { readonly kind: "accept" }
  | { readonly kind: "prepare" }
  | { readonly kind: "start" }
  | { readonly kind: "wait" }
  | { readonly kind: "stop" };

/** @param isPrepared - By this process: what only lives in memory (secrets) is not there after a restart of it. */
export function nextStep(options: {
  readonly state: TaskState;
  readonly desiredState: TaskState;
  readonly isPrepared: boolean;
}): Step {
  const { state, desiredState, isPrepared } = options;
  if (isTerminal(state)) return { kind: "rest" };
  if (!isToRun(desiredState)) return { kind: "stop" };
  if (stateRank(state) < stateRank("accepted")) return { kind: "accept" };
  if (stateRank(state) < stateRank("ready")) return { kind: "prepare" };
  if (state === "running") return { kind: "wait" };
  // Ready: it starts when it is told to.
  if (stateRank(desiredState) < stateRank("running")) return { kind: "rest" };
  return { kind: isPrepared ? "start" : "prepare" };
}
