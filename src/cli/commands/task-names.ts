import { type Json, number, text } from "../context.ts";

/** `web.1`; of a global service's task, which has no number, `web.NODEID`. */
export function taskName(task: Json, service: string): string {
  const slot = number(task, "Slot");
  return slot > 0 ? `${service}.${slot}` : `${service}.${text(task, "NodeID")}`;
}

export function serviceName(service: Json): string {
  return text(service, "Spec", "Name");
}

/** The name it was given, else its host's. */
export function nodeName(node: Json): string {
  return text(node, "Spec", "Name") || text(node, "Description", "Hostname");
}
