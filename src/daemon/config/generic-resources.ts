import type { GenericResource } from "../../model/resources.ts";
import { invalid } from "./value-kinds.ts";

const INTEGER = /^[+-]?\d+$/;

/**
 * What `node-generic-resources` says: `ssd=3` is a number of a kind, `gpu=one` and `gpu=two` are two by name.
 * @throws OperationError `invalid` in dockerd's words.
 * @see SwarmKit api/genericresource/parse.go
 */
export function parseGenericResources(terms: readonly string[]): readonly GenericResource[] {
  const byKind = new Map<string, string[]>();
  for (const term of terms) {
    const parts = term.split("=").map(part => part.trim());
    const [kind = "", value = ""] = parts;
    if (parts.length !== 2) throw unreadable(`incorrect term ${term}, missing '=' or malformed expression`);
    byKind.set(kind, [...(byKind.get(kind) ?? []), value]);
  }
  return [...byKind].flatMap(([kind, values]) => resourcesOf(kind, values));
}

function resourcesOf(kind: string, values: readonly string[]): readonly GenericResource[] {
  if (!values.some(value => INTEGER.test(value))) return values.map(value => ({ kind, value }));
  const [count] = values;
  if (count === undefined || values.length > 1)
    throw unreadable(`mixed discrete and named resources in expression '${kind}=[${values.join(" ")}]'`);
  if (Number(count) < 0) throw unreadable(`cannot ask for negative resource ${kind}`);
  return [{ kind, value: Number(count) }];
}

function unreadable(why: string) {
  return invalid(`could not parse GenericResource: ${why}`);
}
