import type { EngineEvent } from "../../model/container.ts";
import type { Filters } from "../../model/control.ts";
import { OperationError } from "../../lib/errors.ts";

type EventPredicate = (event: EngineEvent, value: string) => boolean;

/** @see Docker's events filters: an object is found by the beginning of its id or name, of whatever type it is. */
const PREDICATES: Readonly<Record<string, EventPredicate>> = {
  type: (event, value) => event.type === value,
  event: matchesAction,
  action: matchesAction,
  scope: (event, value) => event.scope === value,
  label: matchesLabel,
  container: matchesActor,
  volume: matchesActor,
  network: matchesActor,
  plugin: matchesActor,
  service: matchesActor,
  node: matchesActor,
  secret: matchesActor,
  config: matchesActor,
  daemon: matchesActor,
  image: matchesImage,
};

/** @throws OperationError `invalid` for a filter that Docker does not know. */
export function compileEventFilters(filters: Filters): (event: EngineEvent) => boolean {
  const checks = Object.entries(filters).map(([key, values]) => {
    const predicate = PREDICATES[key];
    if (predicate === undefined) throw new OperationError("invalid", `invalid filter '${key}'`);
    // Labels must all be there; of every other key one value is enough.
    if (key === "label") return (event: EngineEvent) => values.every(value => predicate(event, value));
    return (event: EngineEvent) => values.length === 0 || values.some(value => predicate(event, value));
  });
  return event => checks.every(check => check(event));
}

/** `exec_create` also finds `exec_create: /bin/sh`, `health_status` finds `health_status: healthy`. */
function matchesAction(event: EngineEvent, value: string): boolean {
  return event.action === value || event.action.startsWith(`${value}:`);
}

function matchesLabel(event: EngineEvent, value: string): boolean {
  const [name = "", ...rest] = value.split("=");
  const found = event.attributes[name];
  return found !== undefined && (rest.length === 0 || found === rest.join("="));
}

function matchesActor({ actorId, attributes }: EngineEvent, value: string): boolean {
  return actorId.startsWith(value) || attributes["name"]?.startsWith(value) === true;
}

function matchesImage(event: EngineEvent, value: string): boolean {
  const names = event.type === "image" ? [event.actorId, event.attributes["name"]] : [event.attributes["image"]];
  return names.some(name => name !== undefined && (name === value || name.split(":")[0] === value));
}
