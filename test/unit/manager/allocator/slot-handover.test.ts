import assert from "node:assert/strict";
import { freeForSuccessor } from "../../../../src/manager/allocator/slot-handover.ts";
import type { Task } from "../../../../src/model/cluster.ts";
import { asId, type TaskId } from "../../../../src/model/ids.ts";
import { aNode } from "../../scheduler/fixtures.ts";
import { aNetwork, aTask } from "../store/objects.ts";

const NETWORK = aNetwork("app");
const ADDRESS = "10.9.0.20/24";
const place = { networkId: NETWORK.id, addresses: [ADDRESS], aliases: [] };
const elsewhere = { ...place, networkId: aNetwork("back").id };
const SUCCESSOR = aTask("new", { slot: 1 });

/** What becomes of the address that a task has, whose node is down, when its slot's next task asks for it. */
function handOver(more: Partial<Task>, { holderNode = "down" as "down" | "ready" } = {}) {
  const holder = aTask("old", { slot: 1, desiredState: "shutdown", nodeId: asId("n1"), networks: [place, elsewhere], ...more });
  const released = new Map<TaskId, Task>();
  const freed: string[] = [];
  const node = { ...aNode({ id: "n1" }), status: { state: holderNode, message: "", address: "" } };
  freeForSuccessor({ get: () => node } as never, {
    ...{ task: SUCCESSOR, network: NETWORK, wanted: ADDRESS, released },
    addresses: { holderOf: () => holder, release: (_: unknown, address: string) => freed.push(address) } as never,
  });
  return { freed, networks: released.get(holder.id)?.networks };
}

describe("the address of a slot", () => {
  it("is taken from the task before that nothing will be heard of, and no other of its addresses is", () => {
    assert.deepEqual(handOver({}), { freed: [ADDRESS], networks: [{ ...place, addresses: [] }, elsewhere] });
  });

  it("stays with a task that is to end and can be told so", () => {
    assert.deepEqual(handOver({}, { holderNode: "ready" }), { freed: [], networks: undefined });
  });

  for (const [who, more] of [
    ["is to run on", { desiredState: "running" }],
    ["has another slot", { slot: 2 }],
    ["is another service's", { serviceId: asId("other") }],
    ["is the one that asks", { id: SUCCESSOR.id }],
  ] as const satisfies readonly (readonly [string, Partial<Task>])[])
    it(`stays with a task on a node that is down when that task ${who}`, () => {
      assert.deepEqual(handOver(more), { freed: [], networks: undefined });
    });
});
