import assert from "node:assert/strict";
import { entryBytes } from "../../../../src/codec/entry.ts";
import { assignmentFor, type NodeNeeds } from "../../../../src/manager/dispatcher/assignments.ts";
import type { Change } from "../../../../src/manager/store/change.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { asId, type NetworkId } from "../../../../src/model/ids.ts";
import type { TaskState } from "../../../../src/model/task-state.ts";
import { aNode } from "../../scheduler/fixtures.ts";
import { aNetwork, aSecret, aTask } from "../store/objects.ts";

const [near, far] = ["near", "far"].map(name => aNetwork(name).id);
const NEEDS: NodeNeeds = {
  networks: new Set([near] as NetworkId[]),
  secrets: new Set(),
  configs: new Set(),
  takesFromAll: false,
};

describe("another node is told of", () => {
  for (const { title, id = "other", on, state = "running", needs = NEEDS, isTold } of [
    { title: "when a task of it is on a network of this one", on: near, isTold: true },
    { title: "but not for a task on a network that this one is not on", on: far, isTold: false },
    { title: "but not for a task that has ended there", on: near, state: "failed", isTold: false },
    { title: "but not for a task that was not given to it yet", on: near, state: "pending", isTold: false },
    { title: "always, when it is this one", id: "this", on: far, isTold: true },
    {
      title: "whatever runs there, when connections come by way of any",
      on: far,
      needs: { ...NEEDS, takesFromAll: true },
      isTold: true,
    },
  ] as readonly {
    readonly title: string;
    readonly id?: string;
    readonly on: NetworkId;
    readonly state?: TaskState;
    readonly needs?: NodeNeeds;
    readonly isTold: boolean;
  }[])
    it(title, () => {
      const store = new Store();
      const node = { ...aNode({ id }), version: 0, ingressNumber: 1, ingressAddress: "10.0.0.2/24" };
      const task = aTask("t1", {
        nodeId: asId(id),
        status: { state, atMs: 0, message: "" },
        networks: [{ networkId: on, addresses: [], aliases: [] }],
      });
      const changes: readonly Change[] = [
        ...["near", "far"].map(name => ({ kind: "put", table: "network", object: aNetwork(name), basedOn: 0 }) as const),
        { kind: "put", table: "node", object: node, basedOn: 0 },
        { kind: "put", table: "task", object: task, basedOn: 0 },
      ];
      store.apply({ index: 1, term: 1, data: entryBytes.encode({ changes, reliesOn: [], atMs: 1 }) });
      const told = assignmentFor(store.view(), { nodeId: asId("this"), needs, key: { kind: "peer", id: asId(id) } });
      assert.equal(told !== undefined, isTold);
    });
});

describe("what a node is told of a secret", () => {
  for (const [title, spec, more] of [
    ["is its data alone", {}, {}],
    ["has the signal that tells of new data", {}, { reloadSignal: "SIGHUP" }],
    ["has the driver that fills it in", { templateDriver: "golang" }, {}],
  ] as readonly (readonly [string, { readonly templateDriver?: "golang" }, { readonly reloadSignal?: string }])[])
    it(title, () => {
      const secret = aSecret("key");
      const store = new Store();
      const object = { ...secret, spec: { ...secret.spec, ...spec }, ...more };
      const changes: readonly Change[] = [{ kind: "put", table: "secret", object, basedOn: 0 }];
      store.apply({ index: 1, term: 1, data: entryBytes.encode({ changes, reliesOn: [], atMs: 1 }) });
      const { id } = secret;
      const needs = { ...NEEDS, secrets: new Set([id]) };
      const told = assignmentFor(store.view(), { nodeId: asId("this"), needs, key: { kind: "secret", id } });
      assert.deepEqual(told, { kind: "secret", secret: { id, data: secret.spec.data, ...spec, ...more } });
    });
});
