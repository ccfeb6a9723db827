import type { Service, Task } from "../model/cluster.ts";
import type { ServiceId } from "../model/ids.ts";
import type { Change, TableName, Tables } from "./store/change.ts";
import type { Snapshot } from "./store/snapshot.ts";

/** What a turn has decided so far: one change an object, based on what was read at first. */
export class Draft {
  readonly #base: Snapshot;
  readonly #changes = new Map<string, Change>();
  #pending: Change[] = [];
  #view: Snapshot;

  constructor(base: Snapshot) {
    this.#base = base;
    this.#view = base;
  }

  get base(): Snapshot {
    return this.#base;
  }

  /** The state with what is decided. Costs what was added since it was last asked for. */
  get view(): Snapshot {
    if (this.#pending.length > 0) {
      this.#view = this.#view.with(this.#pending);
      this.#pending = [];
    }
    return this.#view;
  }

  get changes(): readonly Change[] {
    return [...this.#changes.values()];
  }

  get size(): number {
    return this.#changes.size;
  }

  /** An object as it is decided to be. */
  service(id: ServiceId): Service | undefined {
    const change = this.#changes.get(`service/${id}`);
    if (change === undefined) return this.#base.get("service", id);
    return change.kind === "put" && change.table === "service" ? change.object : undefined;
  }

  add(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#merge(change);
      this.#pending.push(change);
    }
  }

  #merge(change: Change): void {
    const id = change.kind === "put" ? change.object.id : change.id;
    const key = `${change.table}/${id}`;
    // What is in the state has a version: without one it is new, and most of what a large plan holds is.
    const isNew = change.kind === "put" && change.object.version === 0;
    const basedOn = isNew ? 0 : (this.#base.get(change.table, id as never)?.version ?? 0);
    // Made and taken back in one turn: nothing happened. Removed first, so that a change keeps the place of its last word.
    this.#changes.delete(key);
    if (change.kind === "remove" && basedOn === 0) return;
    this.#changes.set(key, { ...change, basedOn });
  }
}

export function putTask(task: Task): Change {
  return { kind: "put", table: "task", object: task, basedOn: task.version };
}

export function putService(service: Service): Change {
  return { kind: "put", table: "service", object: service, basedOn: service.version };
}

export function removal(table: TableName, { id, version }: Tables[TableName]): Change {
  return { kind: "remove", table, id, basedOn: version };
}
