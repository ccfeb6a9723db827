import type { SessionDown } from "../../../src/model/session.ts";

/** What a worker is told, for the trace. */
export function summary(message: SessionDown): string {
  if (message.kind !== "assignments") return "";
  const { put, removed, isFull, sequence } = message.assignments;
  const tasks = put.flatMap(each => (each.kind === "task" ? [`${each.task.task.id} ${each.task.task.desiredState}`] : []));
  return `${sequence}${isFull ? " in full" : ""} ${tasks.join(", ")}; not ${removed.map(({ kind, id }) => `${kind} ${id}`).join(", ")}`;
}
