import type { AssignedTask } from "../model/session.ts";

/** `service.slot.task`, and the node's id for the slot in a global service: also its container's name. */
export function taskName({ serviceName, task }: AssignedTask): string {
  return `${serviceName}.${task.slot === 0 ? (task.nodeId ?? "") : task.slot}.${task.id}`;
}

const PLACEHOLDER = /\{\{\s*\.([A-Za-z.]+)\s*\}\}/g;

/** Fills in `{{.Service.Name}}` and its like; what is not one of Swarm's names stays as it is. */
export function fillTemplate(text: string, assigned: AssignedTask & { readonly hostname: string }): string {
  if (!text.includes("{{")) return text;
  const { task, serviceName, hostname } = assigned;
  const values: Readonly<Record<string, string>> = {
    "Service.ID": task.serviceId,
    "Service.Name": serviceName,
    "Node.ID": task.nodeId ?? "",
    "Node.Hostname": hostname,
    "Task.ID": task.id,
    "Task.Name": taskName(assigned),
    "Task.Slot": task.slot === 0 ? (task.nodeId ?? "") : String(task.slot),
  };
  const withLabels = text.replace(
    /\{\{\s*index \.Service\.Labels "([^"]*)"\s*\}\}/g,
    (_, name: string) => assigned.serviceLabels[name] ?? "",
  );
  return withLabels.replace(PLACEHOLDER, (whole, name: string) => values[name] ?? whole);
}
