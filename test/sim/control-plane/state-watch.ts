import type { Service, Task } from "../../../src/model/cluster.ts";
import type { ServiceId } from "../../../src/model/ids.ts";
import { isTerminal, isToRun, stateRank } from "../../../src/model/task-state.ts";
import { isDead, isOutOfReach, isWanted, troubleOf } from "../../../src/manager/orchestrator/instance.ts";
import type { StateSnapshot } from "../../../src/manager/store/state-snapshot.ts";
import type { Applied } from "./ledger.ts";

/** A plan may be overtaken by so many entries between its making and its own. */
const ON_ITS_WAY_ENTRIES = 10;

function must(isRight: boolean, what: string): asserts isRight {
  if (!isRight) throw new Error(what);
}

/** Looks at each entry that changed the state: what must never be. */
export class StateWatch {
  /** Slots that an update has taken down and not brought back yet, by service. */
  readonly #down = new Map<ServiceId, Set<number>>();
  /** Slots with a task on a drained node, until only one task is left in them. */
  readonly #moving = new Set<string>();

  look({ entry, before, after }: Applied): void {
    const services = new Set<ServiceId>();
    for (const change of entry.changes) {
      if (change.table === "service" && change.kind === "put") services.add(change.object.id);
      if (change.table !== "task") continue;
      const id = change.kind === "put" ? change.object.id : change.id;
      const [was, is] = [before.get("task", id as Task["id"]), after.get("task", id as Task["id"])];
      if (was !== undefined && is !== undefined) checkForward(was, is);
      const serviceId = (is ?? was)?.serviceId;
      if (serviceId !== undefined) services.add(serviceId);
      if (was !== undefined && is !== undefined && entry.term !== undefined) this.#noteKill({ was, is }, { before, after });
    }
    for (const id of services) this.#checkService(after, id);
    checkAddresses(after);
  }

  /** A task that ran well and was told to make way for one of another revision. */
  #noteKill(
    { was, is }: { readonly was: Task; readonly is: Task },
    { before, after }: { readonly before: StateSnapshot; readonly after: StateSnapshot },
  ): void {
    const service = after.get("service", is.serviceId);
    const isKill = was.status.state === "running" && isToRun(was.desiredState) && !isToRun(is.desiredState);
    if (service === undefined || service.isRemoving || !isKill || was.revisionId === service.revisionId) return;
    const node = was.nodeId === undefined ? undefined : before.get("node", was.nodeId);
    if (service.spec.mode.kind !== "replicated" || troubleOf(node) !== undefined) return;
    const tasks = tasksOf(after, service, is.slot);
    if (!tasks.some(isWanted) || tasks.some(isServing)) return; // Scaled down, or its successor runs.
    const hasJustFailed = (task: Task) => hasFailed(task) && task.version > after.index - ON_ITS_WAY_ENTRIES;
    // It ran when this was planned; of an earlier revision where another update was asked for since.
    if (tasks.some(task => task.revisionId !== was.revisionId && hasJustFailed(task))) return;
    must(
      service.spec.update?.order !== "start-first" || service.isRollingBack,
      `update limit: a start-first update of ${service.spec.name} took slot ${is.slot} down before its successor ran`,
    );
    const down = this.#down.get(service.id) ?? new Set();
    this.#down.set(service.id, down.add(is.slot));
  }

  /** One task in a slot is to run; two while a start-first update replaces it, or one moves away from a drained node. */
  #checkSlots(view: StateSnapshot, service: Service): void {
    const live = new Map<number, readonly Task[]>();
    for (const task of view.tasksOfService(service.id)) {
      if (task.desiredState !== "running" || isDead(task) || isOutOfReach(view, task)) continue;
      live.set(task.slot, [...(live.get(task.slot) ?? []), task]);
    }
    for (const [slot, tasks] of live) {
      const key = `${service.id} ${slot}`;
      const isDrained = ({ nodeId }: Task) => nodeId !== undefined && troubleOf(view.get("node", nodeId)) === "drained";
      if (tasks.some(isDrained)) this.#moving.add(key);
      else if (tasks.length < 2) this.#moving.delete(key);
      const limit = service.spec.update?.order === "start-first" || this.#moving.has(key) ? 2 : 1;
      must(tasks.length <= limit, `slot doubled: ${tasks.length} tasks of ${service.spec.name} are to run in slot ${slot}`);
    }
  }

  #checkService(view: StateSnapshot, id: ServiceId): void {
    const service = view.get("service", id);
    if (service === undefined || service.isRemoving || service.spec.mode.kind !== "replicated") {
      this.#down.delete(id);
      return;
    }
    this.#checkSlots(view, service);
    const down = this.#down.get(id);
    if (down === undefined) return;
    for (const slot of down) {
      const tasks = tasksOf(view, service, slot);
      const newest = tasks.at(-1);
      if (newest === undefined || tasks.some(isServing) || !tasks.some(isWanted) || isDead(newest)) down.delete(slot);
      // Its successor lost its own node, or failed and waits: that is no doing of the update.
      else if (tasks.some(task => task.revisionId === service.revisionId && hasFailed(task))) down.delete(slot);
    }
    const { update, rollback } = service.spec;
    const parallelism = Math.max(update?.parallelism ?? 1, rollback?.parallelism ?? 1);
    must(
      parallelism === 0 || down.size <= parallelism,
      `update limit: ${service.spec.name} has slots ${[...down].join()} down for its update, ${parallelism} are allowed`,
    );
  }
}

function hasFailed({ status: { state } }: Task): boolean {
  return state === "failed" || state === "rejected" || state === "complete";
}

function isServing(task: Task): boolean {
  return isWanted(task) && task.status.state === "running";
}

function tasksOf(view: StateSnapshot, service: Service, slot: number): readonly Task[] {
  return [...view.tasksOfService(service.id)]
    .filter(task => task.slot === slot)
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
}

function checkForward(was: Task, is: Task): void {
  const what = `task ${is.id}`;
  must(was.nodeId === undefined || was.nodeId === is.nodeId, `${what} moved from ${was.nodeId} to ${is.nodeId}`);
  must(stateRank(is.status.state) >= stateRank(was.status.state), `${what} went from ${was.status.state} to ${is.status.state}`);
  must(
    stateRank(is.desiredState) >= stateRank(was.desiredState),
    `${what} was wanted ${was.desiredState} and then ${is.desiredState}`,
  );
}

function checkAddresses(view: StateSnapshot): void {
  const owners = new Map<string, string>();
  for (const task of view.all("task")) {
    if (isTerminal(task.status.state)) continue;
    for (const { networkId, addresses } of task.networks) {
      for (const address of addresses) {
        const key = `${networkId} ${address}`;
        must(owners.get(key) === undefined, `${address} has two owners: ${owners.get(key)} and ${task.id}`);
        owners.set(key, task.id);
      }
    }
  }
}
