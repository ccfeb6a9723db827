import assert from "node:assert/strict";
import { removeNetwork } from "../../../src/manager/control-api/networks.ts";
import { isTerminal } from "../../../src/model/task-state.ts";
import { SimulatedCluster, taskSpec } from "./simulated-cluster.ts";

const REPLICAS = 4;

describe("a simulated network that is removed while a node is down", () => {
  for (const how of ["its service leaves it", "its service is removed"] as const) {
    it(`is gone at once after ${how}, and on that node when it is back`, async () => {
      await using cluster = new SimulatedCluster();
      await cluster.addCluster();
      const network = await cluster.addNetwork("net");
      for (const name of ["w1", "w2", "w3"]) await cluster.addNode(name);
      await cluster.until(() => [...cluster.store.view().all("node")].every(({ status }) => status.state === "ready"));
      const task = { ...taskSpec("app:1"), networks: [{ target: network, aliases: [] }] };
      const id = await cluster.addService({ name: "web", mode: { kind: "replicated", replicas: REPLICAS }, task });
      await cluster.until(() => cluster.running(id).length === REPLICAS);
      const [lost] = [...cluster.nodes.values()];
      assert.ok(lost);
      const before = lost.executor.running().length;
      assert.ok(before > 0 && [...lost.executor.network.keys()].some(key => key.includes(network)));
      const isDown = () => cluster.store.view().get("node", lost.id)?.status.state === "down";
      cluster.cut(lost);
      await cluster.until(() => isDown() && cluster.running(id).every(({ nodeId }) => nodeId !== lost.id));
      if (how === "its service is removed") await cluster.removeService(id);
      else await cluster.updateService(id, spec => ({ ...spec, task: taskSpec("app:1") }));
      const live = () => [...cluster.store.view().tasksOnNetwork(network)].filter(({ status }) => !isTerminal(status.state));
      const isOff = () => live().every(({ nodeId }) => nodeId === lost.id);
      await cluster.until(isOff, { withinMs: 30_000 });
      const { changes } = removeNetwork("net")(cluster.store.view(), { nowMs: 0, newId: () => cluster.id(), newName: () => "" });
      await cluster.propose(changes);
      assert.equal(lost.executor.running().length, before, "it does not know yet");
      cluster.heal(lost);
      await cluster.until(() => !isDown() && lost.executor.running().every(each => each.task.networks.length === 0));
      await cluster.until(() => ![...lost.executor.network.keys()].some(key => key.includes(network)));
      assert.ok(cluster.failure === undefined);
    });
  }
});
