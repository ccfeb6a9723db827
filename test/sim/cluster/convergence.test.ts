import assert from "node:assert/strict";
import type { ServiceSpec } from "../../../src/model/cluster.ts";
import { isTerminal } from "../../../src/model/task-state.ts";
import { SimulatedCluster, taskSpec } from "./simulated-cluster.ts";
import type { SimulatedNode } from "./simulated-cluster.ts";

async function aCluster(nodeCount: number): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster();
  cluster.onApplied = () => assertSafe(cluster);
  await cluster.addCluster();
  for (let number = 1; number <= nodeCount; number++) await cluster.addNode(`w${number}`);
  await cluster.until(() => [...cluster.store.view().all("node")].every(({ status }) => status.state === "ready"), {
    what: "nodes ready",
  });
  return cluster;
}

/** What must hold after every entry. */
function assertSafe({ store }: SimulatedCluster): void {
  const owners = new Map<string, string>();
  const own = (address: string, owner: string): void => {
    assert.equal(owners.get(address) ?? owner, owner, `${address} has two owners`);
    owners.set(address, owner);
  };
  const view = store.view();
  for (const node of view.all("node")) if (node.ingressAddress !== undefined) own(node.ingressAddress, node.id);
  for (const { id, endpoint } of view.all("service")) for (const { address } of endpoint.virtualIps) own(address, id);
  for (const task of view.all("task")) {
    if (isTerminal(task.status.state)) continue;
    for (const { addresses } of task.networks) for (const address of addresses) own(address, task.id);
  }
}

function replicated(replicas: number): ServiceSpec["mode"] {
  return { kind: "replicated", replicas };
}

function nodesOf({ nodes }: SimulatedCluster): readonly SimulatedNode[] {
  return [...nodes.values()];
}

function runningImages(cluster: SimulatedCluster): readonly string[] {
  return nodesOf(cluster)
    .flatMap(({ executor }) => executor.running())
    .map(({ revision }) => revision.task.container.image)
    .toSorted();
}

function times<T>(count: number, value: T): readonly T[] {
  return Array.from({ length: count }, () => value);
}

describe("a simulated cluster", function () {
  this.timeout(60_000); // Its own clock is simulated: what is waited for is the processor.

  it("brings a replicated service up, spread over its nodes", async () => {
    await using cluster = await aCluster(3);
    const id = await cluster.addService({ name: "web", mode: replicated(6) });
    const tookMs = await cluster.until(() => cluster.running(id).length === 6);
    assert.ok(tookMs < 1_500, `took ${tookMs} ms`);
    assert.deepEqual(
      nodesOf(cluster).map(({ executor }) => executor.running().length),
      [2, 2, 2],
    );
  });

  it("runs a global service on every node, also on one that comes later", async () => {
    await using cluster = await aCluster(2);
    const id = await cluster.addService({ name: "agent", mode: { kind: "global" } });
    await cluster.until(() => cluster.running(id).length === 2);
    await cluster.addNode("w3");
    await cluster.until(() => cluster.running(id).length === 3);
    assert.deepEqual(
      nodesOf(cluster).map(({ executor }) => executor.running().length),
      [1, 1, 1],
    );
  });

  it("gives a service its addresses and a published port, and tells every node of the endpoints", async () => {
    await using cluster = await aCluster(2);
    const network = await cluster.addNetwork("app");
    const task = { ...taskSpec("app:1"), networks: [{ target: network }] };
    const ports = [{ protocol: "tcp", targetPort: 80, publishMode: "ingress" }] as const;
    const id = await cluster.addService({ name: "web", mode: replicated(2), task, endpoint: { mode: "vip", ports } });
    await cluster.until(() => cluster.running(id).length === 2);
    await cluster.advance(500);
    const { endpoint } = cluster.service(id);
    assert.deepEqual(endpoint.ports, [{ ...ports[0], publishedPort: 30_000 }]);
    assert.deepEqual(
      endpoint.virtualIps.map(({ address }) => address.split(".").slice(0, 3).join(".")),
      ["10.0.1", "10.0.0"],
    );
    for (const { executor } of nodesOf(cluster)) {
      const told = [...executor.network.values()];
      assert.deepEqual(told.map(({ kind }) => kind).toSorted(), [
        ...times(2, "endpoint"),
        ...times(2, "network"),
        ...times(2, "peer"),
        "service",
      ]);
      assert.ok(told.every(each => each.kind !== "endpoint" || each.endpoint.isServing));
    }
  });

  it("tells a node of the nodes that its traffic meets, and of all when any of them may pass it a connection", async () => {
    await using cluster = await aCluster(4);
    const network = await cluster.addNetwork("app");
    const task = { ...taskSpec("app:1"), networks: [{ target: network }] };
    const id = await cluster.addService({ name: "web", mode: replicated(2), task });
    await cluster.until(() => cluster.running(id).length === 2);
    await cluster.advance(500);
    const peersOf = ({ executor }: (typeof nodes)[number]): readonly string[] =>
      [...executor.network.values()].flatMap(each => (each.kind === "peer" ? [each.peer.nodeId] : [])).toSorted();
    const nodes = nodesOf(cluster);
    const all = nodes.map(node => node.id).toSorted();
    const serving = cluster
      .running(id)
      .map(({ nodeId }) => nodeId ?? "")
      .toSorted();
    for (const node of nodes) assert.deepEqual(peersOf(node), serving.includes(node.id) ? serving : [node.id]);

    await cluster.updateService(id, spec => ({
      ...spec,
      endpoint: { mode: "vip", ports: [{ protocol: "tcp", targetPort: 80, publishMode: "ingress" }] },
    }));
    await cluster.until(() => cluster.service(id).updateStatus?.state === "completed");
    await cluster.advance(500);
    const now = new Set(cluster.running(id).map(({ nodeId }) => nodeId ?? ""));
    for (const node of nodes)
      assert.deepEqual(peersOf(node), now.has(node.id) ? all : [...new Set([node.id, ...now])].toSorted());
  });

  it("replaces the tasks of a node that is lost within 10 s, and stops the old ones when it is back", async () => {
    await using cluster = await aCluster(3);
    const id = await cluster.addService({ name: "web", mode: replicated(6) });
    await cluster.until(() => cluster.running(id).length === 6);
    const [lost] = nodesOf(cluster);
    assert.ok(lost);
    cluster.cut(lost);
    const isReplaced = (): boolean => cluster.running(id).filter(({ nodeId }) => nodeId !== lost.id).length === 6;
    const tookMs = await cluster.until(isReplaced);
    assert.ok(tookMs < 10_000, `took ${tookMs} ms`);
    assert.equal(lost.executor.running().length, 2, "a worker without managers runs on");
    cluster.onApplied = () => {
      assertSafe(cluster);
      assert.ok(cluster.running(id).length <= 6, "a replaced task must not be counted again");
    };
    cluster.heal(lost);
    await cluster.until(() => lost.executor.running().length === 0, { what: "old tasks stopped" });
    await cluster.until(() => cluster.store.view().get("node", lost.id)?.status.state === "ready");
    assert.equal(cluster.running(id).length, 6);
  });

  it("takes tasks away from a drained node and brings none back until it is active", async () => {
    await using cluster = await aCluster(2);
    const id = await cluster.addService({ name: "web", mode: replicated(4) });
    await cluster.until(() => cluster.running(id).length === 4);
    const [drained, other] = nodesOf(cluster);
    assert.ok(drained && other);
    await cluster.setAvailability(drained.id, "drain");
    await cluster.until(() => other.executor.running().length === 4 && drained.executor.running().length === 0);
  });

  it("scales up and down, and removes a service with all that is its", async () => {
    await using cluster = await aCluster(3);
    const id = await cluster.addService({ name: "web", mode: replicated(3) });
    await cluster.until(() => cluster.running(id).length === 3);
    await cluster.updateService(id, spec => ({ ...spec, mode: replicated(9) }));
    await cluster.until(() => cluster.running(id).length === 9);
    await cluster.updateService(id, spec => ({ ...spec, mode: replicated(3) }));
    await cluster.until(() => cluster.tasks(id).length === 3);
    assert.deepEqual(
      nodesOf(cluster).map(({ executor }) => executor.running().length),
      [1, 1, 1],
    );
    assert.equal(cluster.service(id).updateStatus, undefined, "scaling is no update");
    await cluster.removeService(id);
    await cluster.until(() => cluster.store.view().get("service", id) === undefined);
    assert.equal(cluster.store.view().count("task"), 0);
    assert.equal(cluster.store.view().count("revision"), 0);
    await cluster.until(() => nodesOf(cluster).every(({ executor }) => executor.containers.size === 0));
  });

  it("says why a task fits nowhere, and places it when it does", async () => {
    await using cluster = await aCluster(2);
    const placement = { constraints: ["node.labels.zone == east"] };
    const id = await cluster.addService({ name: "web", task: { ...taskSpec("app:1"), placement } });
    const reason = "no suitable node (scheduling constraints not satisfied on 2 nodes)";
    await cluster.until(() => cluster.tasks(id).every(({ status }) => status.error === reason));
    await cluster.addNode("w3"); // The label comes with the node's spec.
    await cluster.until(() =>
      cluster
        .tasks(id)
        .every(({ status }) => status.error === "no suitable node (scheduling constraints not satisfied on 3 nodes)"),
    );
    await cluster.updateService(id, spec => ({ ...spec, task: { ...spec.task, placement: {} } }));
    await cluster.until(() => cluster.running(id).length === 1);
  });

  it("goes on with what runs after the daemon of a node is restarted", async () => {
    await using cluster = await aCluster(1);
    const id = await cluster.addService({ name: "web", mode: replicated(2) });
    await cluster.until(() => cluster.running(id).length === 2);
    const [node] = nodesOf(cluster);
    assert.ok(node);
    const before = cluster.running(id).map(({ id: taskId }) => taskId);
    node.agent?.abort();
    await cluster.advance(1_000);
    const [first] = before;
    assert.ok(first);
    node.executor.exit(first, 3); // While nobody looks.
    cluster.startAgent(node, "w1");
    await cluster.until(() =>
      cluster.tasks(id).some(({ status }) => status.state === "failed" && status.error === "task: non-zero exit (3)"),
    );
    await cluster.until(() => cluster.running(id).length === 2);
    assert.ok(
      cluster.running(id).some(({ id: taskId }) => taskId === before[1]),
      "the other one was left alone",
    );
  });
});

describe("nodes of a simulated cluster", () => {
  it("bring a global service's task back when they are", async () => {
    await using cluster = await aCluster(3);
    const id = await cluster.addService({ name: "agent", mode: { kind: "global" } });
    await cluster.until(() => cluster.running(id).length === 3);
    const [lost] = nodesOf(cluster);
    assert.ok(lost);
    cluster.cut(lost);
    await cluster.until(() => cluster.running(id).length === 2);
    cluster.heal(lost);
    await cluster.until(() => cluster.running(id).length === 3);
    await cluster.advance(2_000);
    assert.equal(lost.executor.running().length, 1);
  });

  it("lose their tasks when they are removed, and stop what still runs", async () => {
    await using cluster = await aCluster(2);
    const id = await cluster.addService({ name: "web", mode: replicated(4) });
    await cluster.until(() => cluster.running(id).length === 4);
    const [gone, other] = nodesOf(cluster);
    assert.ok(gone && other);
    cluster.cut(gone);
    await cluster.removeNode(gone.id);
    await cluster.until(() => other.executor.running().length === 4);
    assert.ok(cluster.tasks(id).every(({ nodeId, status }) => nodeId === other.id || status.state === "orphaned"));
  });

  it("lose tasks whose constraints they no longer meet", async () => {
    await using cluster = await aCluster(2);
    const [east, west] = nodesOf(cluster);
    assert.ok(east && west);
    await cluster.setLabels(east.id, { zone: "east" });
    const placement = { constraints: ["node.labels.zone == east"] };
    const id = await cluster.addService({ name: "web", mode: replicated(2), task: { ...taskSpec("app:1"), placement } });
    await cluster.until(() => east.executor.running().length === 2 && cluster.running(id).length === 2);
    await cluster.setLabels(west.id, { zone: "east" });
    await cluster.setLabels(east.id, { zone: "north" });
    await cluster.until(() => west.executor.running().length === 2 && east.executor.running().length === 0);
  });

  it("are given a secret only with a task that needs it", async () => {
    await using cluster = await aCluster(2);
    const secret = await cluster.addSecret("password", "hush");
    const file = { name: "password", uid: "0", gid: "0", mode: 0o444 };
    const container = { image: "app:1", labels: {}, secrets: [{ id: secret, name: "password", file }] };
    const id = await cluster.addService({ name: "web", task: { ...taskSpec("app:1"), container } });
    await cluster.until(() => cluster.running(id).length === 1);
    const [task] = cluster.running(id);
    assert.ok(task?.nodeId);
    const node = cluster.nodes.get(task.nodeId);
    assert.deepEqual(node?.executor.files.get(task.id)?.secrets, new Map([[secret, Uint8Array.from(Buffer.from("hush"))]]));
    assert.ok(
      [...(node?.db.records.values() ?? [])].every(text => !text.includes("hush")),
      "the task db holds no secret",
    );
    node.agent?.abort();
    await cluster.advance(500);
    cluster.startAgent(node, "again");
    await cluster.advance(3_000);
    assert.equal(cluster.running(id)[0]?.id, task.id, "a restart of the daemon changes nothing");
  });
});

describe("restarts in a simulated cluster", () => {
  it("waits for the delay, keeps five tasks a slot, and stops after the last attempt", async () => {
    await using cluster = await aCluster(1);
    const restart = { condition: "any", delayNs: 2e9, maxAttempts: 2 } as const;
    const id = await cluster.addService({ name: "web", task: { ...taskSpec("crash"), restart } });
    await cluster.advance(60_000);
    const tasks = cluster.tasks(id).toSorted((a, b) => a.createdAtMs - b.createdAtMs);
    assert.deepEqual(
      tasks.map(({ status, desiredState }) => [status.state, desiredState]),
      times(3, ["failed", "shutdown"]),
    );
    for (const [index, task] of tasks.entries()) {
      const previous = tasks[index - 1];
      if (previous !== undefined) assert.ok(task.status.atMs - previous.status.atMs >= 2_500, "restarted too early");
    }
  });

  it("keeps trying without end by default, with a history of five", async () => {
    await using cluster = await aCluster(1);
    const id = await cluster.addService({ name: "web", task: taskSpec("crash") });
    await cluster.advance(120_000);
    assert.equal(cluster.tasks(id).length, 5);
    assert.equal(nodesOf(cluster)[0]?.executor.containers.size, 5);
  });

  for (const { condition, exitCode, restarts } of [
    { condition: "none", exitCode: 1, restarts: false },
    { condition: "on-failure", exitCode: 0, restarts: false },
    { condition: "on-failure", exitCode: 1, restarts: true },
    { condition: "any", exitCode: 0, restarts: true },
  ] as const) {
    it(`${restarts ? "starts" : "does not start"} a task again that exits ${exitCode} under condition ${condition}`, async () => {
      await using cluster = await aCluster(1);
      const restart = { condition, delayNs: 0 };
      const id = await cluster.addService({ name: "web", task: { ...taskSpec("app:1"), restart } });
      await cluster.until(() => cluster.running(id).length === 1);
      const [task] = cluster.running(id);
      assert.ok(task);
      nodesOf(cluster)[0]?.executor.exit(task.id, exitCode);
      await cluster.advance(5_000);
      assert.equal(cluster.running(id).length, restarts ? 1 : 0);
    });
  }
});

describe("updates in a simulated cluster", () => {
  const toVersion = (image: string) => (spec: ServiceSpec) => ({
    ...spec,
    task: { ...spec.task, container: { ...spec.task.container, image } },
  });
  const config = { parallelism: 1, delayNs: 0, failureAction: "pause", maxFailureRatio: 0, order: "stop-first" } as const;

  for (const { order, parallelism, least, most } of [
    { order: "stop-first", parallelism: 1, least: 3, most: 4 },
    { order: "stop-first", parallelism: 2, least: 2, most: 4 },
    { order: "start-first", parallelism: 1, least: 4, most: 5 },
    { order: "start-first", parallelism: 0, least: 4, most: 8 },
  ] as const) {
    it(`${order}, ${parallelism} at a time, keeps at least ${least} of 4 containers running`, async () => {
      await using cluster = await aCluster(2);
      const id = await cluster.addService({ name: "web", mode: replicated(4), update: { ...config, order, parallelism } });
      await cluster.until(() => cluster.running(id).length === 4);
      await cluster.updateService(id, toVersion("app:2"));
      await cluster.until(() => {
        const count = runningImages(cluster).length;
        assert.ok(count >= least, `${count} containers run`);
        // A replaced one may take its time to end, but it is not wanted any more.
        assert.ok(cluster.running(id).length <= most, `${cluster.running(id).length} tasks run`);
        return cluster.service(id).updateStatus?.state === "completed";
      });
      assert.equal(cluster.service(id).updateStatus?.message, "update completed");
      await cluster.advance(3_000);
      assert.deepEqual(runningImages(cluster), times(4, "app:2"));
    });
  }

  it("goes on under a new leader", async () => {
    await using cluster = await aCluster(2);
    const id = await cluster.addService({ name: "web", mode: replicated(4), update: { ...config, delayNs: 1e9 } });
    await cluster.until(() => cluster.running(id).length === 4);
    await cluster.updateService(id, toVersion("app:2"));
    for (const _ of times(8, 0)) {
      await cluster.advance(500);
      cluster.lead();
    }
    await cluster.until(() => {
      assert.ok(runningImages(cluster).length >= 3);
      return cluster.service(id).updateStatus?.state === "completed";
    });
    assert.deepEqual(runningImages(cluster), times(4, "app:2"));
  });

  for (const { image, left } of [
    { image: "missing", left: 3 },
    { image: "crash", left: 2 }, // It runs for a moment, so the next one is begun.
  ]) {
    it(`pauses when the new image is ${image}, and goes on with the next spec`, async () => {
      await using cluster = await aCluster(2);
      const id = await cluster.addService({ name: "web", mode: replicated(4), update: config });
      await cluster.until(() => cluster.running(id).length === 4);
      await cluster.updateService(id, toVersion(image));
      await cluster.until(() => cluster.service(id).updateStatus?.state === "paused");
      assert.match(
        cluster.service(id).updateStatus?.message ?? "",
        /^update paused due to failure or early termination of task [a-z0-9]{25}$/,
      );
      await cluster.advance(20_000);
      assert.equal(runningImages(cluster).filter(name => name === "app:1").length, left);
      await cluster.updateService(id, toVersion("app:3"));
      await cluster.until(() => cluster.service(id).updateStatus?.state === "completed");
      assert.deepEqual(runningImages(cluster), times(4, "app:3"));
    });
  }

  it("rolls back when told to on failure", async () => {
    await using cluster = await aCluster(2);
    const update = { ...config, failureAction: "rollback" } as const;
    const id = await cluster.addService({ name: "web", mode: replicated(4), update });
    await cluster.until(() => cluster.running(id).length === 4);
    await cluster.updateService(id, toVersion("crash"));
    await cluster.until(() => cluster.service(id).updateStatus?.state === "rollback_completed");
    assert.equal(cluster.service(id).updateStatus?.message, "rollback completed");
    assert.deepEqual(runningImages(cluster), times(4, "app:1"));
    assert.equal(cluster.store.view().count("revision"), 2, "the failed revision stays while its tasks are in the history");
  });

  it("goes back when the user asks, and says so", async () => {
    await using cluster = await aCluster(2);
    const id = await cluster.addService({ name: "web", mode: replicated(3), update: config });
    await cluster.until(() => cluster.running(id).length === 3);
    await cluster.updateService(id, toVersion("app:2"));
    await cluster.until(() => cluster.service(id).updateStatus?.state === "completed");
    await cluster.rollBack(id);
    await cluster.until(() => cluster.service(id).updateStatus?.message === "manually requested rollback");
    await cluster.until(() => cluster.service(id).updateStatus?.state === "rollback_completed");
    assert.deepEqual(runningImages(cluster), times(3, "app:1"));
    assert.equal(cluster.service(id).isRollingBack, false);
  });

  it("says so too when no task has to go back", async () => {
    await using cluster = await aCluster(2);
    const id = await cluster.addService({ name: "web", mode: replicated(3), update: config });
    await cluster.until(() => cluster.running(id).length === 3);
    const service = cluster.service(id);
    const updateStatus = { state: "rollback_started", startedAtMs: 0, message: "manually requested rollback" } as const;
    const object = { ...service, isRollingBack: true, updateStatus };
    await cluster.propose([{ kind: "put", table: "service", object, basedOn: service.version }]);
    await cluster.until(() => cluster.service(id).updateStatus?.state === "rollback_completed");
    assert.equal(cluster.service(id).isRollingBack, false);
  });

  it("pauses a rollback that fails too", async () => {
    await using cluster = await aCluster(1);
    const update = { ...config, failureAction: "rollback" } as const;
    const id = await cluster.addService({ name: "web", mode: replicated(2), update });
    await cluster.until(() => cluster.running(id).length === 2);
    await cluster.updateService(id, toVersion("missing"));
    await cluster.until(() => cluster.service(id).updateStatus?.state === "rollback_started");
    for (let tries = 0; tries < 200 && cluster.service(id).updateStatus?.state === "rollback_started"; tries++) {
      for (const { executor } of nodesOf(cluster)) {
        for (const { task } of executor.running())
          if (task.createdAtMs >= (cluster.service(id).updateStatus?.startedAtMs ?? 0)) executor.exit(task.id, 1);
      }
      await cluster.advance(50);
    }
    assert.equal(cluster.service(id).updateStatus?.state, "rollback_paused");
    assert.match(
      cluster.service(id).updateStatus?.message ?? "",
      /^rollback paused due to failure or early termination of task /,
    );
  });

  for (const { ratio, state } of [
    { ratio: 0.5, state: "completed" },
    { ratio: 0.2, state: "paused" },
  ] as const) {
    it(`is ${state} when one task of four fails and ${ratio} may`, async () => {
      await using cluster = await aCluster(1);
      const id = await cluster.addService({ name: "web", mode: replicated(4), update: { ...config, maxFailureRatio: ratio } });
      await cluster.until(() => cluster.running(id).length === 4);
      await cluster.updateService(id, toVersion("app:2"));
      const isNew = ({ revision }: { readonly revision: { readonly task: ServiceSpec["task"] } }): boolean =>
        revision.task.container.image === "app:2";
      const [node] = nodesOf(cluster);
      await cluster.until(() => node?.executor.running().some(isNew) ?? false);
      const victim = node?.executor.running().find(isNew);
      assert.ok(victim);
      node?.executor.exit(victim.task.id, 1);
      await cluster.until(() => cluster.service(id).updateStatus?.state === state);
    });
  }

  it("replaces a global service's tasks one node at a time", async () => {
    await using cluster = await aCluster(3);
    const id = await cluster.addService({ name: "agent", mode: { kind: "global" }, update: config });
    await cluster.until(() => cluster.running(id).length === 3);
    await cluster.updateService(id, toVersion("app:2"));
    await cluster.until(() => {
      assert.ok(runningImages(cluster).length >= 2);
      return cluster.service(id).updateStatus?.state === "completed";
    });
    assert.deepEqual(runningImages(cluster), times(3, "app:2"));
  });

  it("replaces all tasks when forced, and not when only the number changes", async () => {
    await using cluster = await aCluster(2);
    const id = await cluster.addService({ name: "web", mode: replicated(2), update: { ...config, parallelism: 0 } });
    await cluster.until(() => cluster.running(id).length === 2);
    const before = cluster.running(id).map(task => task.id);
    await cluster.updateService(id, spec => ({ ...spec, mode: replicated(3) }));
    await cluster.until(() => cluster.running(id).length === 3);
    assert.ok(before.every(task => cluster.running(id).some(({ id: now }) => now === task)));
    await cluster.updateService(id, spec => ({ ...spec, task: { ...spec.task, forceUpdate: 1 } }));
    await cluster.until(() => cluster.service(id).updateStatus?.state === "completed");
    assert.ok(cluster.running(id).length === 3 && cluster.running(id).every(task => !before.includes(task.id)));
  });

  it("sends nothing to a task that is about to get its signal", async () => {
    await using cluster = await aCluster(2);
    const ports = [{ protocol: "tcp", targetPort: 80, publishedPort: 8080, publishMode: "ingress" }] as const;
    const update = { ...config, order: "start-first" } as const;
    const id = await cluster.addService({ name: "web", mode: replicated(4), update, endpoint: { mode: "vip", ports } });
    await cluster.until(() => cluster.running(id).length === 4);
    await cluster.advance(1_000);
    let stops = 0;
    for (const { executor } of nodesOf(cluster)) {
      executor.onStop = ({ task }) => {
        stops++;
        for (const { executor: other } of nodesOf(cluster)) {
          const told = other.network.get(`endpoint/${task.id}`);
          assert.ok(told === undefined || (told.kind === "endpoint" && !told.endpoint.isServing), "still told to be serving");
          const serving = [...other.network.values()].filter(each => each.kind === "endpoint" && each.endpoint.isServing);
          assert.ok(serving.length >= 4, `${serving.length} tasks serve`);
        }
      };
    }
    await cluster.updateService(id, toVersion("app:2"));
    await cluster.until(() => cluster.service(id).updateStatus?.state === "completed");
    await cluster.advance(3_000);
    assert.equal(stops, 4);
  });
});
