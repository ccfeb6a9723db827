import assert from "node:assert/strict";
import type { Node, Task } from "../../../../src/model/cluster.ts";
import { asId, type NetworkId, type NodeId, type ServiceId } from "../../../../src/model/ids.ts";
import { aNetwork, aSpec, aTask } from "../store/objects.ts";
import { aCluster, created, type TestCluster } from "./cluster.ts";

const NETWORK = aNetwork("net");
const IN_USE = { message: `rpc error: code = FailedPrecondition desc = network ${NETWORK.id} is in use by task t` };

describe("the removal of a network", () => {
  let cluster: TestCluster;
  let serviceId: ServiceId;

  beforeEach(async () => {
    cluster = await aCluster();
    await put([{ kind: "put", table: "network", object: NETWORK, basedOn: 0 }]);
    serviceId = asId<ServiceId>(await created(cluster, { kind: "create-service", spec: aSpec("web", { networks: ["net"] }) }));
    await putTask({});
  });

  async function put(changes: Parameters<TestCluster["proposals"]["propose"]>[0]["changes"]): Promise<void> {
    assert.equal((await cluster.proposals.propose({ changes, reliesOn: [] })).kind, "applied");
  }

  async function putTask(more: Partial<Task>): Promise<void> {
    const { revisionId } = cluster.store.view().get("service", serviceId) ?? assert.fail("no service");
    const networks = [{ networkId: NETWORK.id, addresses: ["10.0.1.2/24"], aliases: [] }];
    const status = { state: "running", atMs: 0, message: "started" } as const;
    const basedOn = cluster.store.view().get("task", asId("t"))?.version ?? 0;
    const object = aTask("t", { serviceId, revisionId, nodeId: asId("node1"), networks, status, ...more });
    await put([{ kind: "put", table: "task", object, basedOn }]);
  }

  const remove = () => cluster.call({ kind: "remove-network", idOrName: "net" });
  const ended = { state: "shutdown", atMs: 0, message: "shutdown" } as const;

  it("waits for tasks of a service that was removed just now", async () => {
    await cluster.call({ kind: "remove-service", idOrName: "web" });
    const { sleep } = cluster.clock;
    let polls = 0;
    cluster.clock.sleep = async ms => {
      await sleep(ms);
      if (++polls === 3) await putTask({ desiredState: "remove", status: ended });
    };
    assert.deepEqual(await remove(), { kind: "done" });
    assert.equal(polls, 3);
    assert.equal(cluster.store.view().get("network", NETWORK.id), undefined);
  });

  it("names the task that does not end within 8 s, and changes nothing", async () => {
    await cluster.call({ kind: "remove-service", idOrName: "web" });
    const beforeMs = cluster.clock.now;
    await assert.rejects(remove(), IN_USE);
    assert.equal(cluster.clock.now - beforeMs, 8_000);
    assert.notEqual(cluster.store.view().get("network", NETWORK.id), undefined);
  });

  describe("with tasks on a node that is down", () => {
    const others = [{ networkId: asId<NetworkId>("other"), addresses: ["10.0.2.2/24"], aliases: [] }];
    const onBoth = [{ networkId: NETWORK.id, addresses: ["10.0.1.2/24"], aliases: [] }, ...others];
    const nodeId = asId<NodeId>("w1");

    beforeEach(async () => {
      const node: Node = {
        ...{ id: nodeId, version: 0, createdAtMs: 0, updatedAtMs: 0, role: "worker" },
        spec: { labels: {}, role: "worker", availability: "active" },
        status: { state: "down", message: "heartbeat failure", address: "" },
      };
      await put([{ kind: "put", table: "node", object: node, basedOn: 0 }]);
    });

    async function moveServiceOff(): Promise<void> {
      const { version } = cluster.store.view().get("service", serviceId) ?? assert.fail("no service");
      const spec = aSpec("web", { networks: [] });
      await cluster.call({ kind: "update-service", id: serviceId, version, spec, rollback: false });
    }

    it("waits for none that are to end, and leaves them as they are but for it", async () => {
      await putTask({ nodeId, networks: onBoth, desiredState: "shutdown" });
      await moveServiceOff();
      const beforeMs = cluster.clock.now;
      assert.deepEqual(await remove(), { kind: "done" });
      assert.equal(cluster.clock.now, beforeMs);
      assert.equal(cluster.store.view().get("network", NETWORK.id), undefined);
      const { networks, status, desiredState } = cluster.store.view().get("task", asId("t")) ?? assert.fail("no task");
      assert.deepEqual([networks, status.state, desiredState], [others, "running", "shutdown"]);
    });

    it("waits for none of a service that was removed just now, before anybody has told the tasks", async () => {
      await putTask({ nodeId });
      await cluster.call({ kind: "remove-service", idOrName: "web" });
      assert.deepEqual(await remove(), { kind: "done" });
    });

    it("is refused while one of them is to run there when its node is back", async () => {
      await putTask({ nodeId });
      await moveServiceOff();
      await assert.rejects(remove(), IN_USE);
      assert.equal(cluster.store.view().get("task", asId("t"))?.networks.length, 1);
    });

    it("is refused when another node still has one that is to end", async () => {
      await putTask({ nodeId, desiredState: "shutdown" });
      const { revisionId } = cluster.store.view().get("service", serviceId) ?? assert.fail("no service");
      const status = { state: "running", atMs: 0, message: "started" } as const;
      const networks = [{ networkId: NETWORK.id, addresses: ["10.0.1.3/24"], aliases: [] }];
      const standing = { serviceId, revisionId, nodeId: asId<NodeId>("node1"), desiredState: "shutdown" } as const;
      await put([{ kind: "put", table: "task", object: aTask("u", { ...standing, networks, status }), basedOn: 0 }]);
      await moveServiceOff();
      await assert.rejects(remove(), { message: /is in use by task u$/ });
      assert.equal(cluster.store.view().get("task", asId("t"))?.networks.length, 1, "nothing was changed");
    });
  });

  it("is refused at once while a service uses it, or one task of it is to run on", async () => {
    const beforeMs = cluster.clock.now;
    await assert.rejects(remove(), { message: /is in use by service/ });
    const { version } = cluster.store.view().get("service", serviceId) ?? assert.fail("no service");
    const spec = aSpec("web", { networks: [] });
    await cluster.call({ kind: "update-service", id: serviceId, version, spec, rollback: false });
    await assert.rejects(remove(), IN_USE);
    assert.equal(cluster.clock.now, beforeMs);
  });
});
