import assert from "node:assert/strict";

type Node = Record<string, unknown> | unknown[];

/** What stands for a name that the client chooses. */
const CHOSEN_NAMES: Readonly<Record<string, string>> = { PortBindings: "80/tcp", EndpointsConfig: "fields" };

/** `HostConfig.PortBindings.*[].HostIp` as keys: a list's first item, and the names that are used here. */
export function keysOf(path: string): readonly (string | number)[] {
  const parts = path.replaceAll("[]", ".[]").split(".");
  return parts.map((part, index) => (part === "[]" ? 0 : part === "*" ? (CHOSEN_NAMES[parts[index - 1] ?? ""] ?? "*") : part));
}

/** A request's body of fields by path. Those that come first are made first. */
export function bodyOf(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(fields)) if (value !== undefined) set(body, keysOf(path), value);
  return body;
}

function set(node: Node, [key = "", ...rest]: readonly (string | number)[], value: unknown): void {
  const place = node as Record<string | number, unknown>;
  const [next] = rest;
  if (next === undefined) {
    place[key] = value;
    return;
  }
  place[key] ??= typeof next === "number" ? [] : {};
  set(place[key] as Node, rest, value);
}

/** What is at a place of a tree: `linux.namespaces[type=ipc].path`, `Ports.80/tcp[0]`. Undefined where there is none. */
export function valueAt(tree: unknown, place: string): unknown {
  const steps = place.match(/\[[^\]]+\]|[^.[\]]+/g) ?? [];
  return steps.reduce(step, tree);
}

function step(node: unknown, text: string): unknown {
  if (typeof node !== "object" || node === null) return undefined;
  const [, key, wanted] = /^\[([^=\]]+)(?:=(.*))?\]$/.exec(text) ?? [];
  if (key === undefined) return (node as Record<string, unknown>)[text];
  if (wanted === undefined) return (node as Record<string, unknown>)[key];
  assert.ok(Array.isArray(node), `${text} of what is no list`);
  return (node as Record<string, unknown>[]).find(item => String(item[key]) === wanted);
}
