import type { NetworkId, NodeId, RevisionId, ServiceId } from "../../model/ids.ts";
import type { Task } from "../../model/cluster.ts";
import type { Change, TableName, Tables } from "./change.ts";

/** The state at one index; never changes. Reading costs what is read, whatever is stored. */
export interface Snapshot {
  readonly index: number;
  /** Of the log's entries: what all managers can read. */
  readonly formatLevel: number;
  get<Name extends TableName>(table: Name, id: Tables[Name]["id"]): Tables[Name] | undefined;
  /** In id order. */
  all<Name extends TableName>(table: Name): Iterable<Tables[Name]>;
  count(table: TableName): number;
  byName<Name extends "service" | "network" | "secret" | "config">(table: Name, name: string): Tables[Name] | undefined;
  /** In slot order. */
  tasksOfService(id: ServiceId): Iterable<Task>;
  tasksOfNode(id: NodeId): Iterable<Task>;
  tasksOnNetwork(id: NetworkId): Iterable<Task>;
  revisionsInUse(id: RevisionId): boolean;
  /** The state as it would be: what a stage planned, for the stages after it. Checks nothing. O(changes). */
  with(changes: readonly Change[]): Snapshot;
}

/** Ids of what an applied entry touched, shared by all watchers. */
export interface Touched {
  readonly index: number;
  readonly ids: ReadonlyMap<TableName, ReadonlySet<string>>;
  /** The state with that entry. */
  readonly view: Snapshot;
}
