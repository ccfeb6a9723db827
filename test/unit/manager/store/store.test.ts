import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { entryBytes } from "../../../../src/codec/entry.ts";
import type { Change, Entry } from "../../../../src/model/entry.ts";
import { asId } from "../../../../src/model/ids.ts";
import { SNAPSHOT_CHUNK_BYTES } from "../../../../src/manager/store/snapshot-stream.ts";
import { COMPLETED_REQUESTS_MAX } from "../../../../src/manager/store/state.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { WATCH_CHANGES_MAX } from "../../../../src/manager/store/watchers.ts";
import { aNetwork, aSecret, aService, aTask } from "./objects.ts";
import { ThreadTime } from "../../../bench/scale/thread-time.ts";

/** Applies entries as Raft would, from index 1. */
class Log {
  readonly store = new Store();
  #index = 0;

  apply(changes: readonly Change[], more: Partial<Entry> & { readonly inTerm?: number } = {}) {
    const { inTerm = 1, ...rest } = more;
    const entry = { changes, reliesOn: [], atMs: 1000, ...rest };
    return this.store.apply({ index: ++this.#index, term: inTerm, data: entryBytes.encode(entry) });
  }
}

const put = <Name extends Change["table"]>(
  table: Name,
  object: Extract<Change, { kind: "put"; table: Name }>["object"],
  basedOn = 0,
) => ({ kind: "put", table, object, basedOn }) as Change;

describe("Store", () => {
  it("stamps objects with the entry's index and times, and keeps the time of creation", () => {
    const log = new Log();
    log.apply([put("service", aService("web"))]);
    log.apply([put("service", aService("web", { isRemoving: true }), 1)], { atMs: 2000 });
    const service = log.store.view().get("service", aService("web").id);
    assert.deepEqual([service?.version, service?.createdAtMs, service?.updatedAtMs], [2, 1000, 2000]);
  });

  it("keeps of each object of an entry its own time of creation", () => {
    const log = new Log();
    log.apply([put("service", aService("web"))]);
    log.apply([put("service", aService("db"))], { atMs: 2000 });
    log.apply([put("service", aService("web"), 1), put("service", aService("db"), 2), put("service", aService("new"))], {
      atMs: 3000,
    });
    const made = (name: string) => log.store.view().get("service", aService(name).id)?.createdAtMs;
    assert.deepEqual(["web", "db", "new"].map(made), [1000, 2000, 3000]);
  });

  it("refuses all of an entry when one change is based on another version", () => {
    const log = new Log();
    log.apply([put("service", aService("web"))]);
    const result = log.apply([put("service", aService("db")), put("service", aService("web"), 7)]);
    assert.deepEqual(result, { kind: "refused", reason: "stale", message: "update out of sequence" });
    assert.equal(log.store.view().count("service"), 1);
  });

  it("refuses an entry that relied on what has moved or is gone", () => {
    const log = new Log();
    log.apply([put("network", aNetwork("net"))]);
    const reliesOn = [{ table: "network", id: aNetwork("net").id, version: 1 }] as const;
    assert.equal(log.apply([put("service", aService("a"))], { reliesOn }).kind, "applied");
    log.apply([{ kind: "remove", table: "network", id: aNetwork("net").id, basedOn: 1 }]);
    assert.equal(log.apply([put("service", aService("b"))], { reliesOn }).kind, "refused");
  });

  it("lets one entry put an object twice, both on the version before it", () => {
    const log = new Log();
    const result = log.apply([put("task", aTask("t", { slot: 1 })), put("task", aTask("t", { slot: 1, nodeId: asId("n") }))]);
    assert.equal(result.kind, "applied");
    assert.deepEqual(
      [...log.store.view().tasksOfNode(asId("n"))].map(({ id, version }) => [id, version]),
      [["t", 1]],
    );
  });

  it("refuses a plan in an entry of another term", () => {
    const log = new Log();
    assert.equal(log.apply([], { term: 3, inTerm: 4 }).kind, "refused");
    assert.equal(log.apply([], { term: 4, inTerm: 4 }).kind, "applied");
  });

  it("refuses a name that another object has, in Docker's words, and frees it on rename and removal", () => {
    const log = new Log();
    log.apply([put("service", aService("web"))]);
    const other = { ...aService("web"), id: asId<ReturnType<typeof aService>["id"]>("other") };
    assert.deepEqual(log.apply([put("service", other)]), {
      kind: "refused",
      reason: "conflict",
      message: "name conflicts with an existing object: service web already exists",
    });
    assert.equal(log.apply([put("network", aNetwork("web"))]).kind, "applied");
    log.apply([{ kind: "remove", table: "service", id: aService("web").id, basedOn: 1 }]);
    assert.equal(log.apply([put("service", other)]).kind, "applied");
  });

  it("frees the name and the references of a service as soon as it is being removed", () => {
    const log = new Log();
    log.apply([put("secret", aSecret("key"))]);
    log.apply([put("service", aService("web", {}, { secrets: ["key"] }))]);
    log.apply([put("service", aService("web", { isRemoving: true }, { secrets: ["key"] }), 2)]);
    assert.equal(log.store.view().byName("service", "web"), undefined);
    const successor = { ...aService("web"), id: asId<ReturnType<typeof aService>["id"]>("web2") };
    const removal: Change = { kind: "remove", table: "secret", id: aSecret("key").id, basedOn: 1 };
    assert.equal(log.apply([put("service", successor), removal]).kind, "applied");
    log.apply([{ kind: "remove", table: "service", id: aService("web").id, basedOn: 3 }]);
    assert.equal(log.store.view().byName("service", "web")?.id, "web2", "the successor keeps the name");
  });

  it("keeps secrets and networks that something needs", () => {
    const log = new Log();
    log.apply([put("secret", aSecret("key")), put("network", aNetwork("net"))]);
    log.apply([put("service", aService("web", {}, { secrets: ["key"], networks: ["net"] }))]);
    const removeSecret: Change = { kind: "remove", table: "secret", id: aSecret("key").id, basedOn: 1 };
    const removeNetwork: Change = { kind: "remove", table: "network", id: aNetwork("net").id, basedOn: 1 };
    for (const change of [removeSecret, removeNetwork]) {
      const result = log.apply([change]);
      assert.equal(result.kind === "refused" && result.reason, "conflict");
    }
    const removeService: Change = { kind: "remove", table: "service", id: aService("web").id, basedOn: 2 };
    assert.equal(log.apply([removeSecret, removeNetwork, removeService]).kind, "applied");
  });

  it("lets nobody hold an address that another holds, but passes it on within one entry", () => {
    const log = new Log();
    const networks = [{ networkId: asId<never>("net"), addresses: ["10.0.1.5/24"], aliases: [] }];
    log.apply([put("task", aTask("t", { slot: 1, networks }))]);
    const other = put("task", aTask("u", { slot: 2, networks }));
    const endpoint = { ports: [], virtualIps: [{ networkId: asId<never>("net"), address: "10.0.1.5/24" }] };
    for (const change of [other, put("service", aService("web", { endpoint }))]) {
      const message = "address 10.0.1.5 of network net is held by t";
      assert.deepEqual(log.apply([change]), { kind: "refused", reason: "conflict", message });
    }
    const ended = { state: "failed", atMs: 0, message: "" } as const;
    assert.equal(log.apply([other, put("task", aTask("t", { slot: 1, networks, status: ended }), 1)]).kind, "applied");
    assert.equal(log.apply([put("task", aTask("v", { slot: 3, networks }))]).kind, "refused");
  });

  it("carries a request out once and answers a repetition with the first result", () => {
    const log = new Log();
    const request = { id: asId<never>("r1"), result: Uint8Array.of(7) };
    log.apply([put("service", aService("web"))], { request });
    const again = log.apply([put("service", aService("web"))], { request: { ...request, result: Uint8Array.of(9) } });
    assert.deepEqual(again, { kind: "applied", index: 1, result: Uint8Array.of(7) });
    assert.deepEqual(log.store.completedRequest(request.id)?.result, Uint8Array.of(7));
  });

  it("forgets the oldest requests past the limit", () => {
    const log = new Log();
    for (let number = 0; number <= COMPLETED_REQUESTS_MAX; number++) {
      log.apply([], { request: { id: asId<never>(`r${number}`), result: new Uint8Array() } });
    }
    assert.equal(log.store.completedRequest(asId("r0")), undefined);
    assert.ok(log.store.completedRequest(asId("r1")));
  });

  it("lists tasks by service in slot order, by node and by network, and knows revisions in use", () => {
    const log = new Log();
    const tasks = [10, 9, 1].map(slot =>
      aTask(`t${slot}`, {
        slot,
        nodeId: asId(`n${slot % 2}`),
        networks: [{ networkId: asId("net"), addresses: [], aliases: [] }],
      }),
    );
    log.apply(tasks.map(task => put("task", task)));
    const view = log.store.view();
    assert.deepEqual(
      [...view.tasksOfService(asId("s"))].map(task => task.slot),
      [1, 9, 10],
    );
    assert.deepEqual(
      [...view.tasksOfNode(asId("n1"))].map(task => task.slot),
      [1, 9],
    );
    assert.equal([...view.tasksOnNetwork(asId("net"))].length, 3);
    assert.equal(view.revisionsInUse(asId("rev")), true);
    log.apply(tasks.map(({ id }) => ({ kind: "remove", table: "task", id, basedOn: 1 })));
    assert.equal(log.store.view().revisionsInUse(asId("rev")), false);
    assert.equal([...log.store.view().tasksOfService(asId("s"))].length, 0);
    assert.equal([...view.tasksOfService(asId("s"))].length, 3, "the older snapshot stays as it was");
  });

  it("overlays planned changes without touching what is stored", () => {
    const log = new Log();
    log.apply([put("task", aTask("t", { slot: 1 }))]);
    const view = log.store.view();
    const planned = view.with([put("task", aTask("t", { slot: 1, nodeId: asId("n") }), 1), put("task", aTask("u", { slot: 2 }))]);
    assert.deepEqual(
      [...planned.tasksOfService(asId("s"))].map(({ id, nodeId, version }) => [id, nodeId, version]),
      [
        ["t", "n", 1],
        ["u", undefined, 0],
      ],
    );
    assert.deepEqual(
      [...view.tasksOfService(asId("s"))].map(({ nodeId }) => nodeId),
      [undefined],
    );
  });

  it("restores a snapshot to the same hash, in chunks within the limit, also with objects larger than a chunk", async () => {
    const log = new Log();
    log.apply([put("secret", aSecret("big", 500_000)), put("service", aService("web"))], {
      request: { id: asId<never>("r"), result: Uint8Array.of(1) },
    });
    for (let slot = 1; slot <= 3000; slot++) log.apply([put("task", aTask(`t${slot}`, { slot }))]);
    const chunks: Uint8Array[] = [];
    const snapshot = log.store.snapshot();
    log.apply([put("service", aService("later"))]);
    for await (const chunk of snapshot) chunks.push(chunk);
    assert.ok(chunks.every(chunk => chunk.length <= SNAPSHOT_CHUNK_BYTES));

    const copy = new Store();
    await copy.restore(iterate(chunks));
    assert.equal(copy.view().index, 3001);
    assert.equal(copy.view().byName("service", "later"), undefined, "taken before the later entry");
    copy.apply({
      index: 3002,
      term: 1,
      data: entryBytes.encode({ changes: [put("service", aService("later"))], reliesOn: [], atMs: 1000 }),
    });
    assert.deepEqual(await copy.stateHash(), await log.store.stateHash());
    await assert.rejects(new Store().restore(iterate(chunks.slice(0, -1))), /cut short|inside a record/);
  });

  it("takes no longer than 20 ms for a slice of a snapshot", async () => {
    const log = new Log();
    for (let round = 0; round < 20; round++) {
      log.apply(
        Array.from({ length: 500 }, (_, index) => put("task", aTask(`t${round}-${index}`, { slot: 1 + round * 500 + index }))),
      );
    }
    for await (const _ of log.store.snapshot()) break; // Warms the encoder up.
    const slices: number[] = [];
    const time = new ThreadTime(); // A busy machine is no slice's doing.
    let startMs = time.ranMs;
    for await (const _ of log.store.snapshot()) {
      slices.push(time.ranMs - startMs);
      startMs = time.ranMs;
    }
    slices.sort((a, b) => a - b);
    assert.ok((slices[Math.floor(slices.length / 2)] ?? 0) < 20, `slices took ${slices.map(Math.round).join(", ")} ms`);
  });

  it("tells watchers what each entry touched, from the call on", async () => {
    const log = new Log();
    log.apply([put("service", aService("before"))]);
    const abort = new AbortController();
    const watch = log.store.watch({ signal: abort.signal })[Symbol.asyncIterator]();
    log.apply([put("service", aService("web")), put("task", aTask("t", { slot: 1 }))]);
    log.apply([put("service", aService("web"))]); // Refused, so not told.
    const { value } = await watch.next();
    assert.deepEqual(value, {
      index: 2,
      view: log.store.view(),
      ids: new Map([
        ["service", new Set(["web-id"])],
        ["task", new Set(["t"])],
      ]),
    });
    const waiting = watch.next();
    abort.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
  });

  it("keeps a watcher that keeps up, however much there is to hear", async () => {
    const log = new Log();
    const { signal } = new AbortController();
    const watch = log.store.watch({ signal })[Symbol.asyncIterator]();
    for (let round = 0; round <= WATCH_CHANGES_MAX / 1000; round++) {
      log.apply(Array.from({ length: 1000 }, (_, index) => put("task", aTask(`t${round}-${index}`, { slot: 1 }))));
      assert.equal((await watch.next()).value?.index, round + 1);
    }
  });

  it("lets go of the signal of a watcher that is done", async () => {
    const { signal } = new AbortController();
    const store = new Store();
    const watch = store.watch({ signal })[Symbol.asyncIterator]();
    assert.equal(getEventListeners(signal, "abort").length, 1);
    assert.deepEqual(await watch.return?.(), { done: true, value: undefined });
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });

  it("hands a snapshot out as soon as a chunk is full, and lets others go between its chunks", async () => {
    const log = new Log();
    log.apply(["a", "b", "c"].map(name => put("secret", aSecret(name, 150_000))));
    const lengths: number[] = [];
    for await (const chunk of log.store.snapshot()) lengths.push(chunk.length);
    assert.deepEqual([lengths.length, lengths[0]], [3, SNAPSHOT_CHUNK_BYTES]);
    let pauses = 0;
    await log.store.stateHash({ pause: async () => void pauses++ });
    assert.equal(pauses, 3);
  });

  it("frees the addresses and networks that a task leaves, and keeps those that it stays on", () => {
    const log = new Log();
    const on = (...networks: readonly (readonly [string, string])[]) =>
      networks.map(([name, address]) => ({ networkId: asId<never>(name), addresses: [address], aliases: [] }));
    const there = (name: string): readonly string[] => [...log.store.view().tasksOnNetwork(asId(name))].map(({ id }) => id);
    log.apply([put("task", aTask("t", { networks: on(["a", "10.0.0.2/24"], ["b", "10.0.1.2/24"]) }))]);
    log.apply([put("task", aTask("t", { networks: on(["a", "10.0.0.2/24"], ["c", "10.0.2.2/24"]) }), 1)]);
    assert.deepEqual([there("a"), there("b"), there("c")], [["t"], [], ["t"]]);
    log.apply([put("task", aTask("t", { networks: on(["a", "10.0.0.3/24"], ["c", "10.0.2.2/24"]) }), 2)]);
    const other = (address: string) => log.apply([put("task", aTask("u", { networks: on(["a", address]) }))]).kind;
    assert.deepEqual([other("10.0.0.3/24"), other("10.0.0.2/24")], ["refused", "applied"]);
    const moved = (address: string) => {
      const basedOn = log.store.view().get("task", asId("v"))?.version ?? 0;
      return log.apply([put("task", aTask("v", { networks: on(["d", address]) }), basedOn)]).kind;
    };
    assert.deepEqual([moved("10.0.3.2/24"), moved("10.0.3.3/24")], ["applied", "applied"]);
    const onD = (id: string, address: string) => log.apply([put("task", aTask(id, { networks: on(["d", address]) }))]).kind;
    assert.deepEqual([onD("w", "10.0.3.3/24"), onD("x", "10.0.3.2/24")], ["refused", "applied"]);
  });

  it("knows a service's revisions as in use, the one that it could go back to as well", () => {
    const log = new Log();
    const uses = (...ids: readonly string[]): readonly boolean[] => ids.map(id => log.store.view().revisionsInUse(asId(id)));
    log.apply([put("service", aService("web"))]);
    assert.deepEqual(uses("web-rev", "old", "undefined"), [true, false, false]);
    log.apply([put("service", aService("web", { previousRevisionId: asId("old") }), 1)]);
    assert.deepEqual(uses("web-rev", "old"), [true, true]);
    log.apply([{ kind: "remove", table: "service", id: aService("web").id, basedOn: 2 }]);
    assert.deepEqual(uses("web-rev", "old"), [false, false]);
  });

  it("keeps a config that a service needs, and says which service", () => {
    const log = new Log();
    const spec = { name: "motd", labels: {}, data: new Uint8Array(1) };
    log.apply([put("config", { id: asId<never>("motd-id"), version: 0, createdAtMs: 0, updatedAtMs: 0, spec })]);
    const plain = aService("web");
    const configs = [{ id: asId<never>("motd-id"), name: "motd", file: { name: "motd", uid: "0", gid: "0", mode: 0o444 } }];
    const task = { ...plain.spec.task, container: { ...plain.spec.task.container, configs } };
    log.apply([put("service", { ...plain, spec: { ...plain.spec, task } })]);
    const removal: Change = { kind: "remove", table: "config", id: asId("motd-id"), basedOn: 1 };
    assert.deepEqual(log.apply([removal]), { kind: "refused", reason: "conflict", message: "config is in use by service web" });
  });

  it("keeps a network for the sake of tasks that have not ended", () => {
    const log = new Log();
    log.apply([put("network", aNetwork("net"))]);
    const networks = [{ networkId: aNetwork("net").id, addresses: [], aliases: [] }];
    log.apply([put("task", aTask("t", { networks }))]);
    const removal: Change = { kind: "remove", table: "network", id: aNetwork("net").id, basedOn: 1 };
    assert.deepEqual(log.apply([removal]), { kind: "refused", reason: "conflict", message: "network is in use by task t" });
    log.apply([put("task", aTask("t", { networks, status: { state: "failed", atMs: 0, message: "" } }), 2)]);
    assert.equal(log.apply([removal]).kind, "applied");
  });

  it("drops a watcher that is too far behind, and every watcher when the state is replaced", async () => {
    const log = new Log();
    const { signal } = new AbortController();
    const slow = log.store.watch({ signal })[Symbol.asyncIterator]();
    for (let round = 0; round <= WATCH_CHANGES_MAX / 1000; round++) {
      log.apply(Array.from({ length: 1000 }, (_, index) => put("task", aTask(`t${round}-${index}`, { slot: 1 }))));
    }
    await assert.rejects(slow.next(), { kind: "unavailable" });
    const other = log.store.watch({ signal })[Symbol.asyncIterator]();
    await log.store.restore(new Store().snapshot());
    await assert.rejects(other.next(), { kind: "unavailable" });
  });
});

async function* iterate<T>(items: Iterable<T>): AsyncIterable<T> {
  yield* items;
}
