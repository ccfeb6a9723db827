import { FIRST_FORMAT_LEVEL } from "../../codec/entry.ts";
import type { Service, Task } from "../../model/cluster.ts";
import type { Change, TableName, Tables } from "../../model/entry.ts";
import type { NetworkId, NodeId, RevisionId, ServiceId } from "../../model/ids.ts";
import type { Snapshot } from "./snapshot.ts";
import { Draft, type State } from "./state.ts";
import { type Tree, withPrefix } from "./trees.ts";

/** A published state, for reading. */
export class StateSnapshot implements Snapshot {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  get index(): number {
    return this.#state.index;
  }

  #table<Name extends TableName>(table: Name): Tree<Tables[Name]> {
    return this.#state.trees[table as TableName] as never;
  }

  /** Of the log's entries, in force from here on. */
  get formatLevel(): number {
    for (const { formatLevel } of this.all("cluster")) return formatLevel ?? FIRST_FORMAT_LEVEL;
    return FIRST_FORMAT_LEVEL;
  }

  get<Name extends TableName>(table: Name, id: Tables[Name]["id"]): Tables[Name] | undefined {
    return this.#table(table).get(id);
  }

  all<Name extends TableName>(table: Name): Iterable<Tables[Name]> {
    const tree = this.#table(table);
    return { [Symbol.iterator]: () => tree.values() };
  }

  /** In id order: those whose ids begin with `prefix`. */
  withIdPrefix<Name extends TableName>(table: Name, prefix: string): Iterable<Tables[Name]> {
    return withPrefix(this.#table(table), prefix);
  }

  count(table: TableName): number {
    return this.#table(table).size;
  }

  byName<Name extends "service" | "network" | "secret" | "config">(table: Name, name: string): Tables[Name] | undefined {
    const id = this.#state.trees.names.get(`${table}/${name}`);
    return id === undefined ? undefined : this.#table(table).get(id);
  }

  tasksOfService(id: ServiceId): Iterable<Task> {
    return this.#tasks("tasksByService", id);
  }

  tasksOfNode(id: NodeId): Iterable<Task> {
    return this.#tasks("tasksByNode", id);
  }

  tasksOnNetwork(id: NetworkId): Iterable<Task> {
    return this.#tasks("tasksOnNetwork", id);
  }

  #tasks(index: "tasksByService" | "tasksByNode" | "tasksOnNetwork", id: string): Iterable<Task> {
    const tree = this.#state.trees[index];
    return { [Symbol.iterator]: () => withPrefix(tree, `${id}/`) };
  }

  /** Services whose specs refer to it, but those that are being removed. */
  servicesUsing(table: "secret" | "config" | "network", id: string): Service[] {
    return [...withPrefix(this.#state.trees.references, `${table}/${id}/`)];
  }

  revisionsInUse(id: RevisionId): boolean {
    return this.#state.trees.revisionUses.has(id);
  }

  with(changes: readonly Change[]): Snapshot {
    if (changes.length === 0) return this;
    const draft = new Draft(this.#state);
    for (const change of changes) draft.change(overlaid(change));
    return new StateSnapshot(draft.finish(this.#state.index));
  }
}

/** In an overlay an object keeps the version it replaces, so that a later stage's change of it names the same one. */
function overlaid(change: Change): Change {
  if (change.kind === "remove" || change.object.version === change.basedOn) return change;
  return { ...change, object: { ...change.object, version: change.basedOn } } as Change;
}
