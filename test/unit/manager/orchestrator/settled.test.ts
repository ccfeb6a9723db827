import assert from "node:assert/strict";
import { ServicePlanner } from "../../../../src/manager/orchestrator/service-plan.ts";
import { ServiceTasks } from "../../../../src/manager/orchestrator/service-tasks.ts";
import { isSettled } from "../../../../src/manager/orchestrator/settled.ts";
import { NOW, viewOf } from "./situation.ts";
import type { Situation } from "./situation.ts";

/** Of the only instance. */
function settled(situation: Situation): boolean {
  const [view, service] = viewOf(situation);
  const [instance] = ServiceTasks.of(view, service).instances.values();
  const revision = view.get("revision", service.revisionId);
  assert.ok(instance !== undefined && revision !== undefined);
  const planner = new ServicePlanner(view, { service, revision, nowMs: NOW, newTaskId: () => "new" as never, budget: 100 });
  return isSettled(planner, instance);
}

const history = Array.from({ length: 5 }, (_, at) => `h${at} 1@n1 shutdown/failed made=${at}`);
const NO_RESTART = { restart: { condition: "none", maxAttempts: 0 } } as const;
const serving = "t1 1@n1 running/running made=10";

describe("an instance", () => {
  const cases: readonly (Situation & { readonly when: string; readonly isSettled: boolean })[] = [
    { when: "one task is where it should be", tasks: [serving], isSettled: true },
    { when: "no history is kept", tasks: [serving], historyLimit: 0, template: NO_RESTART, isSettled: true },
    { when: "it is on its way there", tasks: ["t1 1@n1 running/starting"], isSettled: true },
    { when: "it has history beside it", tasks: [...history.slice(1), serving], isSettled: true },
    { when: "it has too much of it", tasks: [...history, serving], isSettled: false },
    { when: "what is beside it has not ended", tasks: [serving, "t2 1@n2 shutdown/running made=11"], isSettled: false },
    { when: "another one is wanted as well", tasks: [serving, "t2 1@n2 running/running made=11"], isSettled: false },
    { when: "what is beside it is to be removed", tasks: ["h0 1@n1 remove/failed", serving], isSettled: false },
    { when: "what is beside it never had a node", tasks: ["h0 1@- shutdown/failed", serving], isSettled: false },
    { when: "it has ended", tasks: ["t1 1@n1 running/failed"], isSettled: false },
    { when: "only history is left", tasks: history.slice(3), isSettled: false },
    { when: "it is of an older revision, which is the update's business", tasks: [`${serving} r0`], isSettled: true },
    { when: "it is yet to be told to run", tasks: ["t1 1@n1 ready/ready"], isSettled: false },
    { when: "another one is to take its place", tasks: [`${serving} till=${NOW + 1}`], isSettled: false },
    { when: "its node is down", tasks: [serving], nodes: [{ id: "n1", state: "down" }], isSettled: false },
    { when: "it is a global service's", mode: { kind: "global" }, tasks: ["t1 0@n1 running/running"], isSettled: false },
    { when: "it is being removed", service: { isRemoving: true }, tasks: ["t1 1@n1 remove/running"], isSettled: true },
    { when: "it is to be removed", service: { isRemoving: true }, tasks: [serving], isSettled: false },
    { when: "it was removed", service: { isRemoving: true }, tasks: ["t1 1@n1 remove/shutdown"], isSettled: false },
    { when: "it is removed from no node", service: { isRemoving: true }, tasks: ["t1 1@- remove/pending"], isSettled: false },
    {
      when: "its node will not say that it is gone",
      service: { isRemoving: true },
      tasks: ["t1 1@n1 remove/running"],
      gone: ["n1"],
      isSettled: false,
    },
  ];
  for (const { when, isSettled: expected, ...situation } of cases)
    it(`${expected ? "needs nothing more" : "is to be looked at"} when ${when}`, () =>
      assert.equal(settled(situation), expected));
});
