import assert from "node:assert/strict";
import type { Task } from "../../../../src/model/cluster.ts";
import { asId, type ServiceId } from "../../../../src/model/ids.ts";
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
    await put([
      { kind: "put", table: "task", object: aTask("t", { serviceId, revisionId, networks, status, ...more }), basedOn },
    ]);
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
