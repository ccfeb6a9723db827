import assert from "node:assert/strict";
import { NO_SERVICE } from "../../../../src/manager/attachments.ts";
import { planTurn } from "../../../../src/manager/control-loop-turn.ts";
import { LoopMemory } from "../../../../src/manager/control-loop-memory.ts";
import { endpointOf, needsOf } from "../../../../src/manager/dispatcher/assignments.ts";
import type { AttachmentRequest } from "../../../../src/model/control.ts";
import { asId, clusterIdFrom, type NodeId, type ServiceId, type TaskId } from "../../../../src/model/ids.ts";
import { aNode } from "../../scheduler/fixtures.ts";
import { aNetwork, aSpec } from "../store/objects.ts";
import { aCluster, created, type TestCluster } from "./cluster.ts";

const OPEN = aNetwork("open");
const NODE = asId<NodeId>("n1");

function request(id: string, more: Partial<AttachmentRequest> = {}): { readonly kind: "attach-container" } & AttachmentRequest {
  return {
    kind: "attach-container",
    ...{ id: asId<TaskId>(id), nodeId: NODE, network: "open", containerId: `${id}-container`, containerName: `${id}-name` },
    ...{ aliases: [], addresses: [], ...more },
  };
}

describe("containers made by hand on networks of the cluster", () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    cluster = await aCluster();
    const open = { ...OPEN, spec: { ...OPEN.spec, isAttachable: true, ipam: [{ subnet: "10.9.0.0/29" }] } };
    await cluster.proposals.propose({
      changes: [
        { kind: "put", table: "node", object: aNode({ id: "n1" }), basedOn: 0 },
        { kind: "put", table: "network", object: open, basedOn: 0 },
        { kind: "put", table: "network", object: aNetwork("closed"), basedOn: 0 },
      ],
      reliesOn: [],
    });
    await turn([NO_SERVICE]);
  });

  /** One turn of the control loop. */
  async function turn(services: readonly ServiceId[]): Promise<void> {
    const view = cluster.store.view();
    const memory = await LoopMemory.read(view, { pause: () => Promise.resolve() });
    const newTaskId = () => clusterIdFrom<TaskId>(cluster.random.bytes(25));
    const options = { nowMs: cluster.clock.nowMs(), newTaskId, changesMax: 100, looksAtNodes: false, sweepsRevisions: false };
    const { changes, reliesOn } = planTurn(view, { ...options, services, memory });
    if (changes.length === 0) return;
    const result = await cluster.proposals.propose({ changes, reliesOn });
    assert.equal(result.kind, "applied");
  }

  const endpoint = (id: string) => endpointOf(cluster.store.view(), cluster.store.view().get("task", asId(id)));
  const addressOf = (id: string) => endpoint(id)?.networks[0]?.address;

  const refusals: [string, Partial<AttachmentRequest>, string][] = [
    ["a network that is not there", { network: "none-such" }, "NotFound desc = network none-such not found"],
    ["a network that does not allow it", { network: "closed" }, "PermissionDenied desc = network closed not manually attachable"],
    ["the ingress network", { network: "ingress" }, "PermissionDenied desc = network ingress not manually attachable"],
    ["a node that is not there", { nodeId: asId("nobody") }, "NotFound desc = node nobody not found"],
    [
      "an address of another subnet",
      { addresses: ["10.8.0.2"] },
      "InvalidArgument desc = address 10.8.0.2 is in use or not one of network open",
    ],
    [
      "the gateway's address",
      { addresses: ["10.9.0.1"] },
      "InvalidArgument desc = address 10.9.0.1 is in use or not one of network open",
    ],
  ];
  for (const [what, more, description] of refusals) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(cluster.call(request("a", more)), { message: `rpc error: code = ${description}` });
      assert.equal(cluster.store.view().count("task"), 0);
    });
  }

  it("have addresses of their own, or the ones they ask for, beside those of services", async () => {
    const service = asId<ServiceId>(
      await created(cluster, { kind: "create-service", spec: aSpec("web", { networks: ["open"] }) }),
    );
    await cluster.call(request("a", { addresses: ["10.9.0.3"] }));
    await cluster.call(request("b"));
    await turn([service, NO_SERVICE]);
    assert.equal(addressOf("a"), "10.9.0.3/29");
    const virtualIp = cluster.store.view().get("service", service)?.endpoint.virtualIps[0]?.address;
    assert.deepEqual([addressOf("b"), virtualIp], ["10.9.0.2/29", "10.9.0.4/29"]);
    await assert.rejects(cluster.call(request("c", { addresses: ["10.9.0.4"] })), /address 10.9.0.4 is in use/);
    assert.ok(needsOf(cluster.store.view(), NODE).networks.has(OPEN.id), "its node is told of the network");
  });

  it("are told to others with their names, which may change", async () => {
    await cluster.call(request("a", { aliases: ["short"] }));
    await turn([NO_SERVICE]);
    const first = endpoint("a");
    assert.deepEqual(first, {
      ...{ taskId: "a", serviceId: "", taskName: "a-name", nodeId: "n1", isServing: false, containerId: "a-container" },
      networks: [{ networkId: OPEN.id, address: "10.9.0.2/29", aliases: ["short"] }],
    });
    await cluster.call(request("a", { containerName: "b-name", aliases: [] }));
    assert.deepEqual([endpoint("a")?.taskName, addressOf("a")], ["b-name", "10.9.0.2/29"]);
    await assert.rejects(cluster.call(request("a", { nodeId: asId("node1") })), /attachment a doesn't belong to this node/);
  });

  it("wait while a network is full, and keep it from being removed", async () => {
    for (const id of ["a", "b", "c", "d", "e", "f"]) await cluster.call(request(id));
    await turn([NO_SERVICE]);
    assert.deepEqual([addressOf("e"), addressOf("f")], ["10.9.0.6/29", undefined]);
    const { status } = cluster.store.view().get("task", asId("f")) ?? {};
    assert.equal(status?.error, "could not find an available IP while allocating on network open");
    await assert.rejects(cluster.call({ kind: "remove-network", idOrName: "open" }), {
      message: `rpc error: code = FailedPrecondition desc = network ${OPEN.id} is in use by task a`,
    });
    await cluster.call({ kind: "detach-container", id: asId("a"), nodeId: NODE });
    await turn([NO_SERVICE]);
    assert.equal(addressOf("f"), "10.9.0.2/29");
  });

  it("go when they are detached, by their own node alone, and when the node goes", async () => {
    await cluster.call(request("a"));
    await cluster.call(request("b"));
    await turn([NO_SERVICE]);
    await assert.rejects(
      cluster.call({ kind: "detach-container", id: asId("a"), nodeId: asId("node1") }),
      /attachment a doesn't belong to this node/,
    );
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(await cluster.call({ kind: "detach-container", id: asId("a"), nodeId: NODE }), { kind: "done" });
    }
    const node = cluster.store.view().get("node", NODE);
    await cluster.proposals.propose({
      changes: [{ kind: "remove", table: "node", id: NODE, basedOn: node?.version ?? 0 }],
      reliesOn: [],
    });
    await turn([NO_SERVICE]);
    assert.equal(cluster.store.view().count("task"), 0);
    assert.deepEqual(await cluster.call({ kind: "remove-network", idOrName: "open" }), { kind: "done" });
  });
});
