import assert from "node:assert/strict";
import type { ServiceId } from "../../../src/model/ids.ts";
import type { ServiceSpec, Task } from "../../../src/model/cluster.ts";
import { isTerminal } from "../../../src/model/task-state.ts";
import { SimulatedCluster, taskSpec } from "./simulated-cluster.ts";
import type { SimulatedNode } from "./simulated-cluster.ts";

const MOVES_MAX = 10;

/** A service whose tasks all run on `first`; the others take tasks from then on. */
class Drained implements AsyncDisposable {
  readonly cluster: SimulatedCluster;
  readonly id: ServiceId;
  readonly first: SimulatedNode;
  readonly second: SimulatedNode;

  private constructor(cluster: SimulatedCluster, id: ServiceId, [first, second]: readonly [SimulatedNode, SimulatedNode]) {
    this.cluster = cluster;
    this.id = id;
    this.first = first;
    this.second = second;
  }

  static async begin(options: {
    readonly replicas: number;
    readonly task?: Partial<ServiceSpec["task"]>;
    readonly mode?: ServiceSpec["mode"];
  }): Promise<Drained> {
    const cluster = new SimulatedCluster();
    await cluster.addCluster();
    const first = await cluster.addNode("w1", { labels: { zone: "east" } });
    const second = await cluster.addNode("w2");
    await cluster.setAvailability(second.id, "pause");
    await cluster.until(() => [...cluster.store.view().all("node")].every(({ status }) => status.state === "ready"));
    const { replicas, mode = { kind: "replicated", replicas } } = options;
    const id = await cluster.addService({ name: "web", mode, task: { ...taskSpec("app:1"), ...options.task } });
    await cluster.until(() => cluster.tasks(id).filter(({ status }) => status.state === "running").length === replicas);
    await cluster.setAvailability(second.id, "active");
    return new Drained(cluster, id, [first, second]);
  }

  async drain(): Promise<void> {
    await this.cluster.setAvailability(this.first.id, "drain");
  }

  get live(): readonly Task[] {
    return this.cluster.tasks(this.id).filter(({ status }) => !isTerminal(status.state));
  }

  /** @returns how long it took, in ms. */
  async untilEmpty(withinMs: number): Promise<number> {
    return await this.cluster.until(() => this.first.executor.running().length === 0, { what: "the node is empty", withinMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}

describe("a simulated node that is drained", () => {
  it("keeps every task until another one runs in its place, ten at a time", async () => {
    const replicas = 24;
    await using drained = await Drained.begin({ replicas });
    const { cluster, id, first, second } = drained;
    let liveMax = 0;
    cluster.onApplied = () => {
      assert.equal(new Set(cluster.running(id).map(({ slot }) => slot)).size, replicas, "every slot is served");
      const starting = cluster
        .tasks(id)
        .filter(({ desiredState, status }) => desiredState === "running" && status.state !== "running");
      liveMax = Math.max(liveMax, starting.length);
    };
    await drained.drain();
    const tookMs = await drained.untilEmpty(30_000);
    assert.equal(second.executor.running().length, replicas);
    assert.equal(liveMax, MOVES_MAX);
    assert.ok(tookMs < 10_000, `took ${tookMs} ms`);
    await cluster.setAvailability(first.id, "active");
    await cluster.advance(10_000);
    assert.equal(second.executor.running().length, replicas, "nothing comes back by itself");
  });

  it("waits for a replacement that needs a minute", async () => {
    await using drained = await Drained.begin({ replicas: 2 });
    drained.second.executor.startMs = 60_000;
    await drained.drain();
    await drained.cluster.advance(59_000);
    assert.equal(drained.first.executor.running().length, 2);
    await drained.untilEmpty(5_000);
    assert.equal(drained.cluster.running(drained.id).length, 2);
  });

  it("is empty after two minutes, whatever becomes of the replacements, which are tried at the pace of restarts", async () => {
    await using drained = await Drained.begin({ replicas: 1, task: { restart: { condition: "any", delayNs: 10e9 } } });
    let attempts = 0;
    drained.second.executor.start = async () => {
      attempts++;
      throw new Error("no");
    };
    await drained.drain();
    await drained.cluster.advance(115_000);
    assert.equal(drained.first.executor.running().length, 1);
    assert.ok(attempts >= 8 && attempts <= 12, `${attempts} attempts`);
    await drained.untilEmpty(8_000);
  });

  for (const [what, task] of [
    ["the constraints allow no other node", { placement: { constraints: ["node.labels.zone == east"] } }],
    ["the others have no room", { resources: { reservations: { nanoCpus: 3e9, memoryBytes: 0 } } }],
  ] as const) {
    it(`stops tasks after ten seconds where ${what}`, async () => {
      await using drained = await Drained.begin({ replicas: 1, task });
      if ("resources" in task) {
        const placement = { constraints: ["node.labels.zone != east"] };
        const other = await drained.cluster.addService({ name: "other", task: { ...taskSpec("app:1"), ...task, placement } });
        await drained.cluster.until(() => drained.cluster.running(other).length === 1);
      }
      await drained.drain();
      await drained.cluster.advance(9_000);
      assert.equal(drained.first.executor.running().length, 1);
      await drained.untilEmpty(3_000);
    });
  }

  for (const [what, task, mode] of [
    [
      "writes to a volume",
      { container: { ...taskSpec("app:1").container, mounts: [{ type: "volume", source: "data", target: "/d" }] } },
    ],
    ["is a job's", {}, { kind: "replicated-job", maxConcurrent: 1, totalCompletions: 1 }],
  ] as const) {
    it(`stops a task first that ${what}`, async () => {
      await using drained = await Drained.begin({ replicas: 1, task, ...(mode && { mode }) });
      const { cluster, first, second } = drained;
      cluster.onApplied = () =>
        assert.ok(first.executor.running().length + second.executor.running().length <= 1, "one at a time");
      await drained.drain();
      await drained.untilEmpty(2_000);
      await cluster.until(() => second.executor.running().length === 1);
    });
  }

  it("lets two tasks read the same volume", async () => {
    const mounts = [{ type: "volume", source: "data", target: "/d", readOnly: true }] as const;
    await using drained = await Drained.begin({ replicas: 1, task: { container: { ...taskSpec("app:1").container, mounts } } });
    drained.cluster.onApplied = () => assert.ok(drained.cluster.running(drained.id).length >= 1);
    await drained.drain();
    await drained.untilEmpty(5_000);
  });

  it("stops its tasks at once where no node takes any", async () => {
    await using drained = await Drained.begin({ replicas: 2 });
    await drained.cluster.setAvailability(drained.second.id, "pause");
    await drained.drain();
    await drained.untilEmpty(2_000);
  });

  it("keeps its tasks when it is active again before they are replaced", async () => {
    await using drained = await Drained.begin({ replicas: 3 });
    const { cluster, first, second, id } = drained;
    const before = cluster.tasks(id).map(({ id: taskId }) => taskId);
    second.executor.startMs = 20_000;
    await drained.drain();
    await cluster.advance(5_000);
    assert.equal(drained.live.length, 6);
    await cluster.setAvailability(first.id, "active");
    await cluster.until(() => drained.live.length === 3);
    await cluster.advance(30_000);
    assert.deepEqual(
      cluster.running(id).map(({ id: taskId }) => taskId),
      before,
    );
    assert.equal(second.executor.running().length, 0);
    second.executor.startMs = 100;
    await drained.drain();
    await drained.untilEmpty(10_000);
    assert.equal(second.executor.running().length, 3, "the next drain has its own time");
  });
});
