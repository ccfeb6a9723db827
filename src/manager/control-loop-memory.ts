import type { Service, Task } from "../model/cluster.ts";
import { asId } from "../model/ids.ts";
import type { NodeId, ServiceId, TaskId } from "../model/ids.ts";
import { AddressIndex } from "./allocator/address-index.ts";
import { NodeUsage } from "./control-loop-usage.ts";
import { ServicePlanner } from "./orchestrator/service-plan.ts";
import { ServiceTasks } from "./orchestrator/service-tasks.ts";
import { isSettled } from "./orchestrator/settled.ts";
import type { TableName } from "./store/change.ts";
import type { Snapshot } from "./store/snapshot.ts";

/** Tasks and nodes read before other work of the process gets its turn: some 5 ms. */
const SLICE = 1_000;

/** What the loop keeps between turns, so that a turn costs what moved: all of it derived from the state, made anew by every leader. */
export class LoopMemory {
  readonly usage = new NodeUsage();
  readonly addresses = new AddressIndex();
  readonly #services = new Map<ServiceId, ServiceTasks>();
  readonly #byTask = new Map<TaskId, ServiceTasks>();

  private constructor() {}

  /** Reads every task and node of a state, in slices. @param pause - Lets other work go. */
  static async read(view: Snapshot, { pause }: { readonly pause: () => Promise<void> }): Promise<LoopMemory> {
    const memory = new LoopMemory();
    let count = 0;
    for (const service of view.all("service")) {
      const tasks = memory.ofService(service);
      for (const task of view.tasksOfService(service.id)) {
        memory.#refresh(view, task.id);
        if (++count % SLICE === 0) await pause();
      }
      const revision = view.get("revision", service.revisionId);
      if (revision === undefined) continue;
      tasks.keepUpWith(service);
      while (!tasks.review()) await pause();
      const planner = new ServicePlanner(view, { service, revision, nowMs: 0, newTaskId: () => asId(""), budget: 0 });
      for (const key of tasks.restless) {
        const instance = tasks.instances.get(key);
        if (instance !== undefined && isSettled(planner, instance)) tasks.settle(key);
        if (++count % SLICE === 0) await pause();
      }
    }
    // Also those of containers made by hand, which no service has.
    for (const task of view.all("task")) {
      memory.addresses.noteTask(task.id, task);
      if (++count % SLICE === 0) await pause();
    }
    for (const node of view.all("node")) {
      memory.usage.noteNode(view, node.id);
      memory.addresses.noteNode(node.id, node);
      if (++count % SLICE === 0) await pause();
    }
    return memory;
  }

  /** Brings it to `view`. @param touched - All that changed since the view it was at. */
  refresh(view: Snapshot, touched: ReadonlyMap<TableName, ReadonlySet<string>>): void {
    for (const id of touched.get("service") ?? []) {
      if (view.get("service", asId<ServiceId>(id)) === undefined) this.#services.delete(asId(id));
    }
    for (const id of touched.get("task") ?? []) {
      this.addresses.noteTask(asId(id), view.get("task", asId<TaskId>(id)));
      this.#refresh(view, asId(id));
    }
    for (const id of touched.get("node") ?? []) {
      this.usage.noteNode(view, asId(id));
      this.addresses.noteNode(asId(id), view.get("node", asId<NodeId>(id)));
      for (const task of view.tasksOfNode(asId<NodeId>(id))) this.#byTask.get(task.id)?.unsettle(task.id);
    }
  }

  ofService(service: Service): ServiceTasks {
    let tasks = this.#services.get(service.id);
    if (tasks === undefined) this.#services.set(service.id, (tasks = new ServiceTasks(service)));
    return tasks;
  }

  /** It is without a node still: the next look begins with others. */
  passOver(task: Task): void {
    this.#byTask.get(task.id)?.passOver(task);
  }

  #refresh(view: Snapshot, id: TaskId): void {
    const task = view.get("task", id);
    this.usage.put(view, { id, task });
    const service = task && view.get("service", task.serviceId);
    if (task === undefined || service === undefined) {
      this.#byTask.get(id)?.remove(id);
      this.#byTask.delete(id);
      return;
    }
    const tasks = this.ofService(service);
    tasks.put(task);
    this.#byTask.set(id, tasks);
  }
}
