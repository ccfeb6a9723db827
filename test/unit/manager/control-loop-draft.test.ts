import assert from "node:assert/strict";
import { Draft, putService, putTask, removal } from "../../../src/manager/control-loop-draft.ts";
import { Store } from "../../../src/manager/store/store.ts";
import { asId } from "../../../src/model/ids.ts";
import { aService, aTask } from "./store/objects.ts";

const SERVICE = aService("web", { version: 7 });
const TASK = aTask("t1", { version: 3, serviceId: SERVICE.id });
const BASE = new Store().view().with([
  { ...putService(SERVICE), basedOn: 7 },
  { ...putTask(TASK), basedOn: 3 },
]);

describe("what a turn has decided", () => {
  it("is one change an object, the last, based on what was read at first", () => {
    const draft = new Draft(BASE);
    draft.add([putTask({ ...TASK, slot: 1 }), putService({ ...SERVICE, isRemoving: true })]);
    draft.add([putTask({ ...TASK, slot: 2, version: 99 })]);
    assert.equal(draft.size, 2);
    const [service, task] = draft.changes;
    assert.deepEqual(service, { ...putService({ ...SERVICE, isRemoving: true }), basedOn: 7 });
    assert.deepEqual(task, { ...putTask({ ...TASK, slot: 2, version: 99 }), basedOn: 3 });
  });

  it("shows in its view at once, and leaves what it began with alone", () => {
    const draft = new Draft(BASE);
    assert.equal(draft.view, BASE);
    draft.add([putTask({ ...TASK, slot: 5 })]);
    assert.equal(draft.view.get("task", TASK.id)?.slot, 5);
    draft.add([removal("task", TASK), putService({ ...SERVICE, isRemoving: true })]);
    assert.equal(draft.view.get("task", TASK.id), undefined);
    assert.deepEqual([draft.service(SERVICE.id)?.isRemoving, draft.base.get("task", TASK.id)?.slot], [true, 0]);
    assert.equal(draft.view, draft.view);
  });

  it("is nothing when an object is made and taken back", () => {
    const draft = new Draft(BASE);
    draft.add([putTask(aTask("new")), removal("task", aTask("new"))]);
    assert.deepEqual([draft.changes, draft.size], [[], 0]);
    assert.equal(draft.view.get("task", asId("new")), undefined);
  });

  it("knows a service as it is, as it is to be, and when it is to go", () => {
    const draft = new Draft(BASE);
    assert.equal(draft.service(SERVICE.id), BASE.get("service", SERVICE.id));
    assert.equal(draft.service(asId("none")), undefined);
    draft.add([removal("service", SERVICE)]);
    assert.equal(draft.service(SERVICE.id), undefined);
    assert.deepEqual(draft.changes, [{ kind: "remove", table: "service", id: SERVICE.id, basedOn: 7 }]);
  });
});
