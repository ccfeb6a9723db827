import type { Change, Entry, TableName, Tables } from "../../model/entry.ts";
import { isTerminal } from "../../model/task-state.ts";
import { claimsOf } from "./indexes.ts";
import type { ApplyResult } from "./change.ts";
import { currentObject, currentVersion, type State, type Trees, uniqueName } from "./state.ts";
import { withPrefix } from "./trees.ts";

type Refusal = Extract<ApplyResult, { kind: "refused" }>;

/**
 * What the entry relied on, against the state before it.
 * @param replaced - What is in the place of each of its changes.
 */
export function staleRefusal(state: State, entry: Entry, replaced: Replaced): Refusal | undefined {
  const isStale =
    entry.reliesOn.some(({ table, id, version }) => currentVersion(state.trees, { table, id }) !== version) ||
    entry.changes.some(({ basedOn }, at) => (replaced[at]?.version ?? 0) !== basedOn);
  return isStale ? { kind: "refused", reason: "stale", message: "update out of sequence" } : undefined;
}

/** One for each change of an entry. */
export type Replaced = readonly (Tables[TableName] | undefined)[];

export function replacedBy({ changes }: Entry, { trees }: State): Replaced {
  return changes.map(change => currentObject(trees, { table: change.table, id: changedId(change) }));
}

export function changedId(change: Change): string {
  return change.kind === "put" ? change.object.id : change.id;
}

/** A name that another object has, against the state with the entry's earlier changes. */
export function nameConflict(trees: Readonly<Trees>, change: Change): Refusal | undefined {
  if (change.kind === "remove") return undefined;
  const name = uniqueName(change.table, change.object);
  const owner = name === undefined ? undefined : trees.names.get(`${change.table}/${name}`);
  if (owner === undefined || owner === change.object.id) return undefined;
  return conflict(`name conflicts with an existing object: ${change.table} ${name} already exists`);
}

/** A removed secret, config or network that something still needs, against the state with all the entry's changes. */
export function inUseConflict(trees: Readonly<Trees>, change: Change): Refusal | undefined {
  if (change.kind === "put") return undefined;
  const users = usersOf(trees, change.table, change.id);
  if (users.length > 0) return conflict(`${change.table} is in use by ${users.join(", ")}`);
  return undefined;
}

/** An address or a number that two objects would hold, against the state with all the entry's changes. */
export function claimConflict(trees: Readonly<Trees>, change: Change): Refusal | undefined {
  if (change.kind === "remove") return undefined;
  for (const claim of claimsOf(change)) {
    for (const owner of withPrefix(trees.claims, `${claim}/`)) {
      if (owner !== change.object.id) return conflict(`${claim} is held by ${owner}`);
    }
  }
  return undefined;
}

/** Who needs a secret, config or network: `service web`, `task x1…`. */
function usersOf(trees: Readonly<Trees>, table: TableName, id: string): string[] {
  if (table !== "secret" && table !== "config" && table !== "network") return [];
  const services = [...withPrefix(trees.references, `${table}/${id}/`)].map(({ spec }) => `service ${spec.name}`);
  if (table !== "network") return services;
  const tasks = [...withPrefix(trees.tasksOnNetwork, `${id}/`)].filter(task => !isTerminal(task.status.state));
  return [...services, ...tasks.map(task => `task ${task.id}`)];
}

function conflict(message: string): Refusal {
  return { kind: "refused", reason: "conflict", message };
}
