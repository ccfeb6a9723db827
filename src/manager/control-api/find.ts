import { OperationError } from "../../lib/errors.ts";
import type { Node, Service } from "../../model/cluster.ts";
import type { Tables } from "../../model/entry.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";

/** What users refer to by id, name or the beginning of an id. */
export type Findable = "service" | "node" | "network" | "secret" | "config" | "task";

/**
 * An exact id comes first, then a name, then the only one whose id begins so.
 * @throws OperationError `not-found`, or `invalid` when several fit; in Docker's words.
 */
export function find<Table extends Findable>(view: StateSnapshot, table: Table, reference: string): Tables[Table] {
  const byId = view.get(table, reference as Tables[Table]["id"]);
  if (byId !== undefined && isShown(table, byId)) return byId;
  const named = byName(view, table, reference);
  const matches = named.length > 0 ? named : reference === "" ? [] : byPrefix(view, table, reference);
  const [first] = matches;
  if (first === undefined) throw new OperationError("not-found", `${table} ${reference} not found`);
  if (matches.length > 1) {
    throw new OperationError("invalid", `${table} ${reference} is ambiguous (${matches.length} matches found)`);
  }
  return first;
}

function byName<Table extends Findable>(view: StateSnapshot, table: Table, name: string): Tables[Table][] {
  if (name === "" || table === "task") return [];
  if (table === "node") return [...view.all(table)].filter(node => nodeName(node as Node) === name);
  const found = view.byName(table as "service", name) as Tables[Table] | undefined;
  return found === undefined ? [] : [found];
}

function byPrefix<Table extends Findable>(view: StateSnapshot, table: Table, prefix: string): Tables[Table][] {
  return [...view.withIdPrefix(table, prefix)].filter(object => isShown(table, object));
}

/** A service that is being removed is gone for users. */
function isShown(table: Findable, object: Tables[Findable]): boolean {
  return table !== "service" || !(object as Service).isRemoving;
}

/** What `docker node ls` shows, and what a node may be called by. */
export function nodeName(node: Node): string {
  return node.description?.hostname ?? "";
}
