import type { Task } from "../../../src/model/cluster.ts";
import type { TaskId } from "../../../src/model/ids.ts";
import { isToRun } from "../../../src/model/task-state.ts";
import type { SimulatedHost } from "./host.ts";
import type { Applied } from "./ledger.ts";
import type { World } from "./world.ts";

/** How long a task may go on that is to run no more: its news, the half second for connections to end, and its stop. */
const STOP_MS = 5_000;
/** A manager may be so far behind the others. */
const LAG_MS = 1_500;
export const LOOK_MS = 250;

interface Runner {
  readonly task: Task;
  readonly host: SimulatedHost;
}

/** Looks at what really runs on the hosts, and holds it to what the state says. */
export class PlacementWatch {
  readonly #world: World;
  /** Since when a task is to run no more. */
  readonly #over = new Map<TaskId, number>();
  /** When each host was last cut off from a manager that is up to date. */
  readonly #disturbed = new Map<SimulatedHost, number>();
  readonly #indexes: { readonly atMs: number; readonly index: number }[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  note({ entry, after, atMs }: Applied): void {
    for (const change of entry.changes) {
      if (change.table !== "task") continue;
      const id = (change.kind === "put" ? change.object.id : change.id) as TaskId;
      const task = after.get("task", id);
      const isOver = task === undefined || !isToRun(task.desiredState);
      if (isOver && !this.#over.has(id)) this.#over.set(id, atMs);
    }
  }

  /** @throws What must not be. */
  look(): void {
    const { time, hosts, ledger } = this.#world;
    this.#indexes.push({ atMs: time.nowMs, index: ledger.lastIndex });
    while ((this.#indexes[1]?.atMs ?? Infinity) <= time.nowMs - LAG_MS) this.#indexes.shift();
    const places = new Map<TaskId, SimulatedHost>();
    const slots = new Map<string, Runner>();
    for (const host of hosts.values()) {
      if (!this.#isUndisturbed(host)) this.#disturbed.set(host, time.nowMs);
      for (const { task } of host.executor.running()) {
        const other = places.get(task.id);
        if (other !== undefined) throw new Error(`two places: task ${task.id} runs on ${other.name} and ${host.name}`);
        places.set(task.id, host);
        this.#checkSlot(task, host, slots);
        const sinceMs = Math.max(this.#over.get(task.id) ?? Infinity, this.#disturbed.get(host) ?? 0);
        if (time.nowMs - sinceMs > STOP_MS)
          throw new Error(
            `two places: task ${task.id} still runs on ${host.name}, ${Math.round(time.nowMs - sinceMs)} ms after its end`,
          );
      }
    }
  }

  /** Where nothing was cut off, a task starts when the one before it has ended, unless its service starts first or it leaves a drained node. */
  #checkSlot(task: Task, host: SimulatedHost, slots: Map<string, Runner>): void {
    const { time, ledger } = this.#world;
    const service = ledger.view.get("service", task.serviceId);
    if (service?.spec.mode.kind !== "replicated" || service.spec.update?.order === "start-first") return;
    if (time.nowMs - (this.#disturbed.get(host) ?? 0) <= STOP_MS) return;
    if (ledger.view.get("task", task.id)?.stopNotAfterMs !== undefined) return;
    const key = `${task.serviceId} ${task.slot}`;
    const other = slots.get(key);
    slots.set(key, { task, host });
    if (other === undefined) return;
    const where = [other, { task, host }].map(runner => `${runner.task.id} on ${runner.host.name}`);
    throw new Error(`slot doubled: of ${service.spec.name}, slot ${task.slot}, there run ${where.join(" and ")}`);
  }

  #isUndisturbed(host: SimulatedHost): boolean {
    const { daemon, servedBy } = host;
    const manager = servedBy === undefined ? undefined : this.#world.hostAt(servedBy)?.manager;
    if (daemon === undefined || daemon.isPaused || manager === undefined || manager.process.isPaused) return false;
    const known = this.#indexes[0]?.index ?? 0;
    if (this.#world.ledger.view.get("node", host.nodeId)?.status.state !== "ready") return false;
    return manager.store.view().index >= known && this.#world.isConnected(host.at, this.#world.hostAt(servedBy ?? "")?.at ?? -1);
  }
}
