import assert from "node:assert/strict";
import { planService } from "../../../../src/manager/orchestrator/plan-service.ts";
import type { ServicePlan } from "../../../../src/manager/orchestrator/service-plan.ts";
import { ServiceTasks } from "../../../../src/manager/orchestrator/service-tasks.ts";
import type { Snapshot } from "../../../../src/manager/store/snapshot.ts";
import type { Service } from "../../../../src/model/cluster.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { RevisionId, TaskId } from "../../../../src/model/ids.ts";
import { replicas } from "./plan-cases.ts";
import { NOW, task, viewOf } from "./situation.ts";

const TASKS = 5_000;
const BUDGET = 100;
const UPDATE = { parallelism: 2, delayNs: 0, failureAction: "pause", maxFailureRatio: 0, order: "stop-first" } as const;

/** Thousands of tasks that run, and what a leader knows of them once nothing is to be done. */
class LargeService {
  readonly tasks: ServiceTasks;
  #view: Snapshot;
  #service: Service;
  #made = 0;

  constructor() {
    const running = Array.from({ length: TASKS }, (_, at) => task(`t${at + 1} ${at + 1}@n${(at % 3) + 1} running/running`));
    [this.#view, this.#service] = viewOf({ mode: replicas(TASKS), tasks: running, spec: { update: UPDATE } });
    this.tasks = ServiceTasks.of(this.#view, this.#service);
    while (this.#plan().isPartial);
    assert.equal(this.tasks.restless.size, 0);
  }

  become(change: (service: Service) => Service): void {
    this.#service = change(this.#service);
    this.#view = this.#view.with([{ kind: "put", table: "service", object: this.#service, basedOn: 0 }]);
  }

  #plan(): ServicePlan {
    const newTaskId = () => asId<TaskId>(`new${++this.#made}`);
    return planService(this.#view, this.#service, { nowMs: NOW, newTaskId, budget: BUDGET, tasks: this.tasks });
  }

  /** One turn, and what it plans is done. @returns how many changes it had, and `more` when it left something for the next. */
  turn(): string {
    const { changes, isPartial } = this.#plan();
    this.#view = this.#view.with(changes);
    this.#service = this.#view.get("service", this.#service.id) ?? this.#service;
    for (const change of changes) {
      if (change.table !== "task") continue;
      if (change.kind === "put") this.tasks.put(change.object);
      else this.tasks.remove(change.id as TaskId);
    }
    return `${changes.length}${isPartial ? ", more" : ""}`;
  }

  turns(count: number): readonly string[] {
    return Array.from({ length: count }, () => this.turn());
  }

  wanted(state: string): readonly string[] {
    return [...this.#view.all("task")].filter(({ desiredState }) => desiredState === state).map(({ id }) => id);
  }
}

describe("a service of thousands of tasks", () => {
  it("is looked at in slices when an update of it begins, and updated as a small one", () => {
    const large = new LargeService();
    large.become(service => ({ ...service, revisionId: asId<RevisionId>("r0") }));
    // Two slices and a bit of instances; that it is being updated, with a slice of the update's progress; two more, and the first two tasks.
    assert.deepEqual(large.turns(5), ["0, more", "0, more", "1, more", "0, more", "4"]);
    assert.deepEqual(large.wanted("shutdown"), ["t1", "t2"]);
    assert.deepEqual([large.turn(), large.tasks.restless.size], ["0", 2]);
  });

  it("is looked at in slices when it is scaled down, and loses those that a small one would", () => {
    const large = new LargeService();
    large.become(service => ({ ...service, spec: { ...service.spec, mode: replicas(TASKS - 150) } }));
    assert.deepEqual(large.turns(5), ["0, more", "0, more", `${BUDGET}, more`, "50", "0"]);
    const last = Array.from({ length: 150 }, (_, at) => `t${TASKS - at}`);
    assert.deepEqual(large.wanted("remove").toSorted(), last.toSorted());
  });

  it("is looked at no further than a turn has room for while it is removed", () => {
    const large = new LargeService();
    large.become(service => ({ ...service, isRemoving: true }));
    for (let turn = 1; turn <= TASKS / BUDGET; turn++) {
      assert.match(large.turn(), /^100/);
      assert.ok(large.tasks.restless.size <= 2_000, `${large.tasks.restless.size} in turn ${turn}`);
    }
    assert.deepEqual([large.wanted("remove").length, large.turn()], [TASKS, "0"]);
  });
});
