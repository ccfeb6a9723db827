import type { AssignedTask } from "../model/session.ts";

/** What templates may say of the node that a task is on, besides its id. */
export interface ThisNode {
  readonly hostname: string;
  /** `x86_64`. */
  readonly architecture: string;
}

/** `service.slot.task`, and the node's id for the slot in a global service: also its container's name. */
export function taskName({ serviceName, task }: AssignedTask): string {
  return `${serviceName}.${slotOf(task)}.${task.id}`;
}

function slotOf({ slot, nodeId }: AssignedTask["task"]): string {
  return slot === 0 ? (nodeId ?? "") : String(slot);
}

/** What Swarm's templates are filled in with. */
export function templateData(assigned: AssignedTask, { hostname, architecture }: ThisNode) {
  const { task, serviceName, serviceLabels } = assigned;
  return {
    Service: { ID: task.serviceId, Name: serviceName, Labels: serviceLabels },
    Node: { ID: task.nodeId ?? "", Hostname: hostname, Platform: { Architecture: architecture, OS: "linux" } },
    Task: { ID: task.id, Name: taskName(assigned), Slot: slotOf(task) },
  } as const;
}

const PLACEHOLDER = /\{\{\s*\.([A-Za-z.]+)\s*\}\}/g;

/** Fills in `{{.Service.Name}}` and its like; what is not one of Swarm's names stays as it is. */
export function fillTemplate(text: string, assigned: AssignedTask, node: ThisNode): string {
  if (!text.includes("{{")) return text;
  const data = templateData(assigned, node);
  const withLabels = text.replace(
    /\{\{\s*index \.Service\.Labels "([^"]*)"\s*\}\}/g,
    (_, name: string) => assigned.serviceLabels[name] ?? "",
  );
  return withLabels.replace(PLACEHOLDER, (whole, path: string) => textAt(data, path.split(".")) ?? whole);
}

function textAt(data: unknown, [first, ...rest]: readonly string[]): string | undefined {
  if (first === undefined) return typeof data === "string" ? data : undefined;
  const isThere = typeof data === "object" && data !== null && Object.hasOwn(data, first);
  return isThere ? textAt((data as Readonly<Record<string, unknown>>)[first], rest) : undefined;
}
