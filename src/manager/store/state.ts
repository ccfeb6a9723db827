import type { Service, Task } from "../../model/cluster.ts";
import type { Change, TableName, Tables } from "../../model/entry.ts";
import type { RequestId } from "../../model/ids.ts";
import type { StoredObject } from "../../codec/entry.ts";
import { claimsOf, indexService, indexTask, isFoundAlike, replaceTask, unindexService, unindexTask } from "./indexes.ts";
import { newTree, type Tree } from "./trees.ts";

/** The result of a user's request, kept so that a retry gets it again. */
export interface CompletedRequest {
  readonly id: RequestId;
  readonly index: number;
  readonly result: Uint8Array;
}

/** How many completed user requests are remembered. Trimmed by count: `apply` knows no time. */
export const COMPLETED_REQUESTS_MAX = 20_000;

type ObjectTrees = { [Name in TableName]: Tree<Tables[Name]> };

/** All trees of one state. Those of a published state are never written again. */
export interface Trees extends ObjectTrees {
  /** `table/name` to id. */
  names: Tree<string>;
  /** `service/slot/node/task`. */
  tasksByService: Tree<Task>;
  /** `node/task`. */
  tasksByNode: Tree<Task>;
  /** `network/task`. */
  tasksOnNetwork: Tree<Task>;
  /** How many tasks and services need each revision; missing where none does. */
  revisionUses: Tree<number>;
  /** `secret/id/service`, `config/id/service`, `network/id/service`: what services refer to. */
  references: Tree<Service>;
  /** `claim/owner` to the owner's id: what only one may hold. */
  claims: Tree<string>;
  requests: Tree<CompletedRequest>;
  /** Zero-padded number of the request to its id, oldest first. */
  requestOrder: Tree<RequestId>;
}

/** The whole replicated state after the entry at `index`. */
export interface State {
  readonly index: number;
  readonly trees: Readonly<Trees>;
}

export function emptyState(): State {
  return {
    index: 0,
    trees: {
      cluster: newTree(),
      node: newTree(),
      service: newTree(),
      revision: newTree(),
      task: newTree(),
      network: newTree(),
      secret: newTree(),
      config: newTree(),
      names: newTree(),
      tasksByService: newTree(),
      tasksByNode: newTree(),
      tasksOnNetwork: newTree(),
      revisionUses: newTree(),
      references: newTree(),
      claims: newTree(),
      requests: newTree(),
      requestOrder: newTree(),
    },
  };
}

/** The name an object must be alone with in its table. A service gives its name up as soon as it is being removed. */
export function uniqueName(table: TableName, object: Tables[TableName]): string | undefined {
  if (table === "task" || table === "node" || table === "revision" || table === "cluster") return undefined;
  if (table === "service" && (object as Service).isRemoving) return undefined;
  return "spec" in object ? object.spec.name : undefined;
}

/** The next state in the making: each tree is cloned before its first write, so what it started from stays as it is. */
export class Draft {
  readonly #trees: Trees;
  readonly #owned = new Set<keyof Trees>();

  constructor(base: State) {
    this.#trees = { ...base.trees };
  }

  /** For reading only. */
  get trees(): Readonly<Trees> {
    return this.#trees;
  }

  #writable<Name extends keyof Trees>(name: Name): Trees[Name] {
    if (!this.#owned.has(name)) {
      this.#trees[name] = this.#trees[name].clone() as Trees[Name];
      this.#owned.add(name);
    }
    return this.#trees[name];
  }

  readonly #tree = <Name extends keyof Trees>(name: Name) => this.#writable(name);

  put<Name extends TableName>(table: Name, object: Tables[Name]): void {
    const tree: Tree<Tables[Name]> = this.#writable<TableName>(table) as never;
    const old = tree.get(object.id);
    tree.set(object.id, object);
    if (table === "task" && old !== undefined && isFoundAlike(old as Task, object as Task)) {
      replaceTask(this.#tree, object as Task);
      return;
    }
    this.#forget(table, old);
    const name = uniqueName(table, object);
    if (name !== undefined) this.#writable("names").set(`${table}/${name}`, object.id);
    for (const claim of claimsOf({ table, object } as StoredObject))
      this.#writable("claims").set(`${claim}/${object.id}`, object.id);
    if (table === "task") indexTask(this.#tree, object as Task);
    if (table === "service") indexService(this.#tree, object as Service);
  }

  remove(table: TableName, id: string): void {
    const tree: Tree<Tables[TableName]> = this.#writable(table) as never;
    this.#forget(table, tree.get(id));
    tree.delete(id);
  }

  #forget(table: TableName, object: Tables[TableName] | undefined): void {
    if (object === undefined) return;
    const name = uniqueName(table, object);
    const key = `${table}/${name}`;
    if (name !== undefined && this.#trees.names.get(key) === object.id) this.#writable("names").delete(key);
    for (const claim of claimsOf({ table, object } as StoredObject)) this.#writable("claims").delete(`${claim}/${object.id}`);
    if (table === "task") unindexTask(this.#tree, object as Task);
    if (table === "service") unindexService(this.#tree, object as Service);
  }

  change(change: Change): void {
    if (change.kind === "put") this.put(change.table, change.object);
    else this.remove(change.table, change.id);
  }

  complete(request: CompletedRequest): void {
    const requests = this.#writable("requests");
    const order = this.#writable("requestOrder");
    requests.set(request.id, request);
    order.set(String(Number(order.maxKey() ?? 0) + 1).padStart(16, "0"), request.id);
    while (order.size > COMPLETED_REQUESTS_MAX) {
      const oldest = order.minKey() ?? "";
      requests.delete(order.get(oldest) ?? "");
      order.delete(oldest);
    }
  }

  /** Publishes it; the draft must not be written afterwards. */
  finish(index: number): State {
    return { index, trees: this.#trees };
  }
}

interface ObjectKey {
  readonly table: TableName;
  readonly id: string;
}

export function currentObject(trees: Readonly<Trees>, { table, id }: ObjectKey): Tables[TableName] | undefined {
  const tree: Tree<Tables[TableName]> = trees[table] as never;
  return tree.get(id);
}

export function currentVersion(trees: Readonly<Trees>, key: ObjectKey): number {
  return currentObject(trees, key)?.version ?? 0;
}
