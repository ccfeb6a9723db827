import assert from "node:assert/strict";
import { SimulatedCluster, taskSpec } from "./simulated-cluster.ts";

const file = { name: "password", uid: "0", gid: "0", mode: 0o400 };

describe("simulated tasks whose secret gets other data", () => {
  async function begin() {
    const cluster = new SimulatedCluster();
    await cluster.addCluster();
    const node = await cluster.addNode("w1");
    const secret = await cluster.addSecret("password", "one");
    const container = { ...taskSpec("app:1").container, secrets: [{ id: secret, name: "password", file }] };
    const task = { ...taskSpec("app:1"), container };
    const id = await cluster.addService({ name: "web", mode: { kind: "replicated", replicas: 2 }, task });
    await cluster.until(() => cluster.running(id).length === 2);
    const held = () =>
      cluster
        .running(id)
        .map(each => Buffer.from(node.executor.files.get(each.id)?.secrets.get(secret) ?? []).toString())
        .toSorted();
    const told = () => node.executor.reloads.map(([, signal]) => signal);
    return { cluster, node, secret, id, held, told };
  }

  it("get it and one signal each, also when it could not be written at first", async () => {
    const { cluster, node, secret, id, held, told } = await begin();
    await using _ = cluster;
    const before = cluster.running(id).map(task => task.id);
    node.executor.renewalsToFail = 3;
    await cluster.replaceSecret(secret, "two", { reloadSignal: "HUP" });
    await cluster.until(() => held().join() === "two,two");
    await cluster.advance(5_000);
    assert.deepEqual(told(), ["HUP", "HUP"]);
    assert.deepEqual(
      cluster.running(id).map(task => task.id),
      before,
    );
  });

  it("keep what they have where no signal is given; those that come later have it", async () => {
    const { cluster, secret, id, held, told } = await begin();
    await using _ = cluster;
    await cluster.replaceSecret(secret, "two");
    await cluster.advance(5_000);
    assert.deepEqual(held(), ["one", "one"]);
    await cluster.updateService(id, spec => ({ ...spec, mode: { kind: "replicated", replicas: 3 } }));
    await cluster.until(() => held().join() === "one,one,two");
    await cluster.replaceSecret(secret, "three", { reloadSignal: "" });
    await cluster.until(() => held().join() === "three,three,three");
    assert.deepEqual(told(), []);
  });

  it("get it though their node was cut off, or their daemon away, when it changed", async () => {
    const { cluster, node, secret, id, held, told } = await begin();
    await using _ = cluster;
    cluster.cut(node);
    await cluster.replaceSecret(secret, "two", { reloadSignal: "HUP" });
    await cluster.advance(1_000);
    assert.deepEqual(held(), ["one", "one"]);
    cluster.heal(node);
    await cluster.until(() => held().join() === "two,two");
    node.agent?.abort();
    await node.ended;
    await cluster.replaceSecret(secret, "three", { reloadSignal: "USR1" });
    cluster.startAgent(node, "w1");
    await cluster.until(() => held().join() === "three,three");
    assert.equal(cluster.running(id).length, 2);
    assert.deepEqual(told(), ["HUP", "HUP", "USR1", "USR1"]);
  });
});
