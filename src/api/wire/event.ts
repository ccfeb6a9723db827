import type { EngineEvent } from "../../model/container.ts";

/** A line of `GET /events`, with the three fields that old clients read at whatever version they ask for. @see decision 0017 */
export function eventJson({ type, action, actorId, attributes, scope, timeNs }: EngineEvent): string {
  const seconds = timeNs / 1_000_000_000n;
  const hasOld = type === "container" || type === "image";
  const old = hasOld ? oldFields({ type, action, actorId, attributes }) : {};
  const event = { ...old, Type: type, Action: action, Actor: { ID: actorId, Attributes: inOrder(attributes) }, scope };
  // ns since 1970 are beyond the whole numbers that a double holds, so the digits are put in as text.
  return `${JSON.stringify(event).slice(0, -1)},"time":${seconds},"timeNano":${timeNs}}`;
}

/** By name, as Go writes a map: some clients print them as they come. */
function inOrder(attributes: EngineEvent["attributes"]): EngineEvent["attributes"] {
  return Object.fromEntries(Object.entries(attributes).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

function oldFields({ type, action, actorId, attributes }: Pick<EngineEvent, "type" | "action" | "actorId" | "attributes">) {
  const from = type === "container" ? attributes["image"] : undefined;
  return { status: action, id: actorId, ...(from === undefined ? {} : { from }) };
}
