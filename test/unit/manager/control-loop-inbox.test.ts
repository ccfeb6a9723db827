import assert from "node:assert/strict";
import { Inbox } from "../../../src/manager/control-loop-inbox.ts";
import type { TableName } from "../../../src/manager/store/change.ts";
import { Store } from "../../../src/manager/store/store.ts";
import type { StoreListener } from "../../../src/manager/store/watchers.ts";
import { settle, simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";

const ids = (table: TableName, ...each: readonly string[]) => new Map([[table, new Set(each)]]);

describe("what the control loop has yet to look at", () => {
  const stop = new AbortController();
  const view = new Store().view();
  let listener: StoreListener;
  let inbox: Inbox;
  let time: VirtualTime;

  beforeEach(() => {
    time = new VirtualTime();
    const store = { view: () => view, listen: (each: StoreListener) => void (listener = each) };
    inbox = new Inbox(store, { signal: stop.signal });
  });

  function touch(table: TableName, ...each: readonly string[]): void {
    listener.touched({ index: 1, ids: ids(table, ...each), view });
  }

  it("is everything at first, then what was touched, each once", () => {
    assert.equal(inbox.isEmpty, false);
    assert.deepEqual(inbox.take(), { kind: "all" });
    assert.equal(inbox.isEmpty, true);
    assert.deepEqual(inbox.take(), { kind: "touched", ids: new Map() });
    touch("task", "t1", "t2");
    touch("task", "t2", "t3");
    touch("node", "n1");
    assert.equal(inbox.isEmpty, false);
    assert.deepEqual(inbox.take(), { kind: "touched", ids: new Map([...ids("task", "t1", "t2", "t3"), ...ids("node", "n1")]) });
    assert.equal(inbox.isEmpty, true);
  });

  it("is everything again when the state was replaced", () => {
    inbox.take();
    touch("task", "t1");
    listener.replaced();
    assert.equal(inbox.isEmpty, false);
    assert.deepEqual(inbox.take(), { kind: "all" });
    assert.deepEqual(inbox.take(), { kind: "touched", ids: new Map() });
  });

  it("leaves what it was told in as it was told", () => {
    inbox.take();
    const told = ids("task", "t1");
    listener.touched({ index: 1, ids: told, view });
    touch("task", "t2");
    assert.deepEqual(told, ids("task", "t1"));
  });

  async function waited(ms: number, meanwhile: () => void): Promise<number> {
    let endedAtMs = -1;
    const startMs = time.nowMs;
    const waiting = inbox.wait(ms, simulatedClock(time)).then(() => (endedAtMs = time.nowMs));
    await time.runUntil(startMs + 100);
    meanwhile();
    await settle();
    await time.runUntil(startMs + 2_000);
    await waiting;
    return endedAtMs - startMs;
  }

  it("is waited for as long as was asked, until something is touched or replaced", async () => {
    inbox.take();
    assert.equal(await waited(1_000, () => {}), 1_000);
  });

  it("ends a wait", async () => {
    inbox.take();
    assert.equal(await waited(1_000, () => touch("task", "t1")), 100);
  });

  it("ends a wait when everything is replaced", async () => {
    inbox.take();
    assert.equal(await waited(1_000, () => listener.replaced()), 100);
  });

  it("is not waited for when something is there, or no time is left", async () => {
    assert.equal(await waited(1_000, () => {}), 0);
    inbox.take();
    assert.equal(await waited(0, () => {}), 0);
  });

  it("is waited for no longer than the leader leads", async () => {
    inbox.take();
    const waiting = inbox.wait(1_000, simulatedClock(time));
    stop.abort(new Error("another leads"));
    await assert.rejects(waiting, /another leads/);
    await assert.rejects(inbox.wait(1_000, simulatedClock(time)), /another leads/);
  });
});
