import { asId } from "../model/ids.ts";
import type { NodeId, ServiceId, TaskId } from "../model/ids.ts";
import type { Taken } from "./control-loop-inbox.ts";
import type { Turn } from "./control-loop-turn.ts";
import { NO_SERVICE } from "./attachments.ts";
import type { Snapshot } from "./store/snapshot.ts";

/** Services with tasks that fit nowhere are tried again at most this often, when something has ended or changed. */
const RETRY_MS = 250;

/** Which services have to be looked at, and when. Derived from the state: a new leader starts with all of them. */
export class Agenda {
  readonly #dirty = new Set<ServiceId>();
  readonly #wakeups = new Map<ServiceId, number>();
  readonly #waiting = new Set<ServiceId>();
  #retryAtMs = -Infinity;
  #wantsRetry = false;

  note(view: Snapshot, taken: Taken): void {
    if (taken.kind === "all" || taken.ids.has("cluster") || taken.ids.has("network")) {
      for (const { id } of view.all("service")) this.#dirty.add(id);
      this.#dirty.add(NO_SERVICE);
      return;
    }
    for (const id of taken.ids.get("service") ?? []) this.#dirty.add(asId(id));
    for (const id of taken.ids.get("task") ?? []) {
      const task = view.get("task", asId<TaskId>(id));
      if (task !== undefined) this.#dirty.add(task.serviceId);
    }
    if (taken.ids.has("task") || taken.ids.has("service")) this.#wantsRetry = this.#waiting.size > 0;
    const nodes = taken.ids.get("node");
    if (nodes !== undefined) this.#noteNodes(view, nodes);
  }

  #noteNodes(view: Snapshot, nodes: ReadonlySet<string>): void {
    for (const id of this.#waiting) this.#dirty.add(id);
    for (const { id, spec } of view.all("service")) if (spec.mode.kind.startsWith("global")) this.#dirty.add(id);
    for (const id of nodes) for (const task of view.tasksOfNode(asId<NodeId>(id))) this.#dirty.add(task.serviceId);
  }

  due(nowMs: number): readonly ServiceId[] {
    for (const [id, atMs] of this.#wakeups) if (atMs <= nowMs) this.#dirty.add(id);
    if (this.#wantsRetry && nowMs >= this.#retryAtMs) {
      for (const id of this.#waiting) this.#dirty.add(id);
      this.#wantsRetry = false;
      this.#retryAtMs = nowMs + RETRY_MS;
    }
    return [...this.#dirty];
  }

  /** These were looked at; what touched them since is noted by the next `note`. Those that were begun go on after all others. */
  settle({ looked, begun }: Pick<Turn, "looked" | "begun">, { nowMs }: { readonly nowMs: number }): void {
    for (const id of begun) if (this.#dirty.delete(id)) this.#dirty.add(id);
    for (const [id, { wakeAtMs, isWaiting }] of looked) {
      this.#dirty.delete(id);
      if (wakeAtMs > nowMs && wakeAtMs !== Infinity) this.#wakeups.set(id, wakeAtMs);
      else this.#wakeups.delete(id);
      if (isWaiting) this.#waiting.add(id);
      else this.#waiting.delete(id);
    }
  }

  /** When to look again though nothing is touched. */
  get nextAtMs(): number {
    let next = this.#wantsRetry ? this.#retryAtMs : Infinity;
    for (const atMs of this.#wakeups.values()) next = Math.min(next, atMs);
    return next;
  }
}
