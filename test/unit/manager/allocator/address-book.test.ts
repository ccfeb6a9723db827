import assert from "node:assert/strict";
import { AddressBook } from "../../../../src/manager/allocator/address-book.ts";
import { AddressIndex } from "../../../../src/manager/allocator/address-index.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import type { Network, Task } from "../../../../src/model/cluster.ts";
import { aNetwork, aTask } from "../store/objects.ts";

const ENDED_MS = 1_000;
const NETWORK: Network = { ...aNetwork("app"), ipam: [{ subnet: "10.0.1.0/29", gateway: "10.0.1.1" }] };

function onNetwork(id: string, address: string, state: Task["status"]["state"]): Task {
  const networks = [{ networkId: NETWORK.id, addresses: [`${address}/29`], aliases: [] }];
  return aTask(id, { networks, status: { state, atMs: ENDED_MS, message: "" } });
}

const TASKS = [onNetwork("runs", "10.0.1.2", "running"), onNetwork("ended", "10.0.1.3", "failed")];

/** With what a leader keeps, and without. */
function books(nowMs: number): readonly AddressBook[] {
  const put = { kind: "put", table: "task", basedOn: 0 } as const;
  const view = new Store().view().with(TASKS.map(object => ({ ...put, object })));
  const index = new AddressIndex();
  for (const task of TASKS) index.noteTask(task.id, task);
  return [new AddressBook(view, { nowMs, index }), new AddressBook(view, { nowMs })];
}

describe("the addresses of a network", () => {
  for (const { after, nowMs, given } of [
    { after: "almost half a minute", nowMs: ENDED_MS + 29_999, given: ["4", "5", "6", "3"] },
    { after: "half a minute", nowMs: ENDED_MS + 30_000, given: ["3", "4", "5", "6"] },
  ])
    it(`are given out in order, but that of a task that has ended last, ${after} after its end`, () => {
      for (const book of books(nowMs)) {
        const taken = Array.from({ length: 5 }, () => book.take(NETWORK));
        assert.deepEqual(taken, [...given.map(last => `10.0.1.${last}/29`), undefined]);
      }
    });

  it("are held by the tasks that have not ended, as the turn sees them, until they are released", () => {
    for (const book of books(ENDED_MS)) {
      assert.deepEqual([book.holderOf(NETWORK, "10.0.1.2"), book.holderOf(NETWORK, "10.0.1.3")], [TASKS[0], undefined]);
      assert.equal(book.take(NETWORK, { wanted: "10.0.1.2" }), undefined);
      book.release(NETWORK, "10.0.1.2");
      assert.equal(book.holderOf(NETWORK, "10.0.1.2"), undefined);
      assert.equal(book.take(NETWORK, { wanted: "10.0.1.2" }), "10.0.1.2/29");
    }
  });

  it("are another task's when one that had ended is forgotten after it got the address", () => {
    const index = new AddressIndex();
    const [, ended] = TASKS;
    assert.ok(ended);
    index.noteTask(ended.id, { ...ended, status: { ...ended.status, state: "running" } });
    const heir = onNetwork("heir", "10.0.1.3", "running");
    index.noteTask(heir.id, heir);
    index.noteTask(ended.id, undefined);
    assert.deepEqual([...index.on(NETWORK.id).held.values()], [heir.id]);
    index.noteTask(heir.id, undefined);
    assert.equal(index.on(NETWORK.id).held.size, 0);
  });
});
