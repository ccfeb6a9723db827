import assert from "node:assert/strict";
import { Agenda } from "../../../src/manager/control-loop-agenda.ts";
import { NO_SERVICE } from "../../../src/manager/attachments.ts";
import type { Change, TableName } from "../../../src/manager/store/change.ts";
import { Store } from "../../../src/manager/store/store.ts";
import { asId } from "../../../src/model/ids.ts";
import type { ServiceId } from "../../../src/model/ids.ts";
import { aNode } from "../scheduler/fixtures.ts";
import { aService, aTask } from "./store/objects.ts";

const put = (table: TableName, object: { readonly id: string }): Change => ({ kind: "put", table, object, basedOn: 0 }) as never;
const VIEW = new Store()
  .view()
  .with([
    ...["a", "b", "c"].map(name => put("service", aService(name))),
    put("service", aService("g", { spec: { ...aService("g").spec, mode: { kind: "global" } } })),
    put("node", aNode({ id: "n1" })),
    put("task", aTask("t1", { serviceId: asId("a-id"), nodeId: asId("n1") })),
    put("task", aTask("t2", { serviceId: asId("b-id") })),
  ]);

const touched = (ids: Partial<Record<TableName, readonly string[]>>) =>
  ({
    kind: "touched",
    ids: new Map(Object.entries(ids).map(([table, each]) => [table as TableName, new Set(each)])),
  }) as const;

const looked = (...each: readonly (readonly [string, { readonly wakeAtMs?: number; readonly isWaiting?: boolean }])[]) => ({
  looked: new Map(each.map(([id, { wakeAtMs = Infinity, isWaiting = false }]) => [asId<ServiceId>(id), { wakeAtMs, isWaiting }])),
  begun: [],
});

const ALL = ["a-id", "b-id", "c-id", "g-id", NO_SERVICE];

describe("what the control loop looks at", () => {
  for (const { when, taken, due } of [
    { when: "is everything at first", taken: { kind: "all" } as const, due: ALL },
    { when: "is everything when the cluster changes", taken: touched({ cluster: ["x"] }), due: ALL },
    { when: "is everything when a network changes", taken: touched({ network: ["x"] }), due: ALL },
    { when: "is a service that changes", taken: touched({ service: ["b-id"] }), due: ["b-id"] },
    { when: "is the service of a task that changes", taken: touched({ task: ["t2"] }), due: ["b-id"] },
    { when: "is nothing when a task goes", taken: touched({ task: ["gone"] }), due: [] },
    {
      when: "is what is on a node that changes, and what is to be on all",
      taken: touched({ node: ["n1"] }),
      due: ["g-id", "a-id"],
    },
    { when: "is nothing when a secret changes", taken: touched({ secret: ["x"] }), due: [] },
  ])
    it(when, () => {
      const agenda = new Agenda();
      agenda.note(VIEW, taken);
      assert.deepEqual(agenda.due(0), due);
      agenda.settle(looked(...due.map(id => [id, {}] as const)), { nowMs: 0 });
      assert.deepEqual([agenda.due(0), agenda.nextAtMs], [[], Infinity]);
    });

  it("is a service again at the time that it asked for", () => {
    const agenda = new Agenda();
    agenda.settle(looked(["a-id", { wakeAtMs: 1_000 }], ["b-id", { wakeAtMs: 500 }], ["c-id", {}]), { nowMs: 100 });
    assert.deepEqual([agenda.due(499), agenda.nextAtMs], [[], 500]);
    assert.deepEqual(agenda.due(500), ["b-id"]);
    agenda.settle(looked(["b-id", { wakeAtMs: 500 }]), { nowMs: 500 });
    assert.deepEqual([agenda.due(999), agenda.nextAtMs], [[], 1_000]);
    agenda.settle(looked(["a-id", {}]), { nowMs: 999 });
    assert.deepEqual([agenda.due(2_000), agenda.nextAtMs], [[], Infinity]);
  });

  it("is what could not be placed, when a task or a service changes, but not all the time", () => {
    for (const news of [touched({ task: ["t1"] }), touched({ service: ["a-id"] })]) {
      const agenda = new Agenda();
      agenda.settle(looked(["c-id", { isWaiting: true }]), { nowMs: 0 });
      assert.deepEqual([agenda.due(0), agenda.nextAtMs], [[], Infinity]);
      agenda.note(VIEW, news);
      assert.deepEqual(agenda.due(1_000), ["a-id", "c-id"]);
      agenda.settle(looked(["a-id", {}], ["c-id", { isWaiting: true }]), { nowMs: 1_000 });
      assert.deepEqual([agenda.due(1_000), agenda.nextAtMs], [[], Infinity]);
      agenda.note(VIEW, news);
      assert.deepEqual([agenda.due(1_249), agenda.nextAtMs], [["a-id"], 1_250]);
      assert.deepEqual(agenda.due(1_250), ["a-id", "c-id"]);
      agenda.settle(looked(["a-id", {}], ["c-id", {}]), { nowMs: 1_250 });
      agenda.note(VIEW, news);
      assert.deepEqual([agenda.due(9_000), agenda.nextAtMs], [["a-id"], Infinity]);
    }
  });

  it("is what was begun after all others, so that one service with much to do does not hold them up", () => {
    const agenda = new Agenda();
    agenda.note(VIEW, touched({ service: ["a-id", "b-id", "c-id"] }));
    agenda.settle({ looked: new Map(), begun: [asId("a-id")] }, { nowMs: 0 });
    assert.deepEqual(agenda.due(0), ["b-id", "c-id", "a-id"]);
    agenda.note(VIEW, touched({ task: ["t1"] }));
    agenda.settle({ ...looked(["b-id", {}]), begun: [asId("c-id")] }, { nowMs: 0 });
    assert.deepEqual(agenda.due(0), ["a-id", "c-id"]);
  });

  it("is what could not be placed, when a node changes", () => {
    const agenda = new Agenda();
    agenda.settle(looked(["c-id", { isWaiting: true }]), { nowMs: 0 });
    agenda.note(VIEW, touched({ node: ["another"] }));
    assert.deepEqual(agenda.due(0), ["c-id", "g-id"]);
  });
});
