import assert from "node:assert/strict";
import fc from "fast-check";
import { entryBytes } from "../../../../src/codec/entry.ts";
import type { Change } from "../../../../src/model/entry.ts";
import { asId, type NetworkId, type NodeId, type RevisionId, type ServiceId } from "../../../../src/model/ids.ts";
import type { Task } from "../../../../src/model/cluster.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { aTask } from "./objects.ts";

const few = (prefix: string) => fc.integer({ min: 1, max: 3 }).map(number => `${prefix}${number}`);
const write = fc.record({
  id: few("t"),
  isRemoval: fc.boolean(),
  service: few("s"),
  revision: few("r"),
  node: fc.option(few("n"), { nil: undefined }),
  networks: fc.uniqueArray(few("net"), { maxLength: 2 }),
  slot: fc.integer({ min: 0, max: 20 }),
});

/** Entries of a few writes each, with versions as a well-behaved writer names them. */
function play(
  stores: readonly Store[],
  entries: readonly (readonly (typeof write extends fc.Arbitrary<infer T> ? T : never)[])[],
) {
  entries.forEach((writes, position) => {
    const changes: Change[] = [];
    for (const { id, isRemoval, service, revision, node, networks, slot } of new Map(
      writes.map(each => [each.id, each]),
    ).values()) {
      const before = stores[0]?.view().get("task", asId(id));
      if (isRemoval && before === undefined) continue;
      const object: Task = aTask(id, {
        serviceId: asId(service),
        revisionId: asId(revision),
        slot,
        networks: networks.map(network => ({ networkId: asId(network), addresses: [], aliases: [] })),
        ...(node === undefined ? {} : { nodeId: asId(node) }),
      });
      const basedOn = before?.version ?? 0;
      if (isRemoval) changes.push({ kind: "remove", table: "task", id: object.id, basedOn });
      else changes.push({ kind: "put", table: "task", object, basedOn });
    }
    const data = entryBytes.encode({ changes, reliesOn: [], atMs: position });
    for (const store of stores) assert.equal(store.apply({ index: position + 1, term: 1, data }).kind, "applied");
  });
}

describe("the store's indexes", () => {
  it("say what a look at every task says, after any writes, and are the same on every manager and after a restore", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(write, { maxLength: 4 }), { maxLength: 30 }), async entries => {
        const [store, twin, copy] = [new Store(), new Store(), new Store()];
        play([store, twin], entries);
        await copy.restore(store.snapshot());
        const tasks = [...store.view().all("task")];
        for (const view of [store.view(), copy.view()]) {
          for (const number of [1, 2, 3]) {
            const ids = (found: Iterable<Task>) => [...found].map(({ id }) => id).toSorted();
            const having = (fits: (task: Task) => boolean) => ids(tasks.filter(fits));
            const [service, node, network] = [
              asId<ServiceId>(`s${number}`),
              asId<NodeId>(`n${number}`),
              asId<NetworkId>(`net${number}`),
            ];
            assert.deepEqual(
              ids(view.tasksOfService(service)),
              having(task => task.serviceId === service),
            );
            const slots = [...view.tasksOfService(service)].map(task => task.slot);
            assert.deepEqual(
              slots,
              slots.toSorted((a, b) => a - b),
            );
            assert.deepEqual(
              ids(view.tasksOfNode(node)),
              having(task => task.nodeId === node),
            );
            assert.deepEqual(
              ids(view.tasksOnNetwork(network)),
              having(task => task.networks.some(each => each.networkId === network)),
            );
            const revision = asId<RevisionId>(`r${number}`);
            assert.equal(
              view.revisionsInUse(revision),
              tasks.some(task => task.revisionId === revision),
            );
          }
        }
        assert.deepEqual(await twin.stateHash(), await store.stateHash());
        assert.deepEqual(await copy.stateHash(), await store.stateHash());
      }),
      { numRuns: 100 },
    );
  });
});
