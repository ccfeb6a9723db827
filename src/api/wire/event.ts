import type { EngineEvent } from "../../model/container.ts";

/** A line of `GET /events`. @param withOldFields - With the three that clients before 1.22 read, which 1.52 has dropped. */
export function eventJson(
  { type, action, actorId, attributes, scope, timeNs }: EngineEvent,
  { withOldFields }: { readonly withOldFields: boolean },
): string {
  const seconds = timeNs / 1_000_000_000n;
  const hasOld = withOldFields && (type === "container" || type === "image");
  const old = hasOld ? oldFields({ type, action, actorId, attributes }) : {};
  const event = { ...old, Type: type, Action: action, Actor: { ID: actorId, Attributes: attributes }, scope };
  // ns since 1970 are beyond the whole numbers that a double holds, so the digits are put in as text.
  return `${JSON.stringify(event).slice(0, -1)},"time":${seconds},"timeNano":${timeNs}}`;
}

function oldFields({ type, action, actorId, attributes }: Pick<EngineEvent, "type" | "action" | "actorId" | "attributes">) {
  const from = type === "container" ? attributes["image"] : undefined;
  return { status: action, id: actorId, ...(from === undefined ? {} : { from }) };
}
