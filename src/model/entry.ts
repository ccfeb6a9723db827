import type { Cluster, Config, Network, Node, Revision, Secret, Service, Task } from "./cluster.ts";
import type { ClusterObjectId, RequestId } from "./ids.ts";

/** The tables of the replicated store. */
export interface Tables {
  readonly cluster: Cluster;
  readonly node: Node;
  readonly service: Service;
  readonly revision: Revision;
  readonly task: Task;
  readonly network: Network;
  readonly secret: Secret;
  readonly config: Config;
}
export type TableName = keyof Tables;

export const TABLE_NAMES = ["cluster", "node", "service", "revision", "task", "network", "secret", "config"] as const;

/** `version` and the times in a `put` object are overwritten by `apply`: version by the entry's index, times by `Entry.atMs`. */
export type Change = {
  readonly [Name in TableName]:
    | {
        readonly kind: "put";
        readonly table: Name;
        readonly object: Tables[Name];
        /** The version it replaces; 0: it must not exist. */
        readonly basedOn: number;
      }
    | { readonly kind: "remove"; readonly table: Name; readonly id: ClusterObjectId; readonly basedOn: number };
}[TableName];

/** Something a plan or a request relied on without changing it. */
export interface Reliance {
  readonly table: TableName;
  readonly id: ClusterObjectId;
  readonly version: number;
}

/** What one Raft entry says. All of it is applied or, when anything it relied on has moved, none. */
export interface Entry {
  readonly changes: readonly Change[];
  readonly reliesOn: readonly Reliance[];
  readonly atMs: number;
  /** Of its format: what a manager has to be able to read; missing: the first. */
  readonly level?: number;
  /** A plan of the control loop: refused in an entry of another term. */
  readonly term?: number;
  /** A user's request: carried out once, its result kept. */
  readonly request?: { readonly id: RequestId; readonly result: Uint8Array };
}
