import assert from "node:assert/strict";
import type { ServiceId } from "../../../src/model/ids.ts";
import { isTerminal } from "../../../src/model/task-state.ts";
import { SeededRandom } from "../seeded-random.ts";
import { SimulatedCluster, taskSpec } from "./simulated-cluster.ts";
import type { SimulatedNode } from "./simulated-cluster.ts";

const replay = process.env["SEED"];
const seeds = replay === undefined ? Array.from({ length: 12 }, (_, index) => index + 1) : [Number(replay)];
const STEPS = 40;
const HOSTS = ["w1", "w2", "w3", "w4"];

/** A cluster whose links, daemons, containers and leader fail while users change their minds. */
class Chaos {
  readonly cluster: SimulatedCluster;
  readonly #random: SeededRandom;
  readonly #replicas = new Map<ServiceId, number>();
  #image = 1;
  readonly #history: string[] = [];

  constructor(seed: number) {
    this.cluster = new SimulatedCluster({ seed });
    this.#random = new SeededRandom(seed + 1_000);
    this.cluster.onApplied = () => this.#assertSafe();
  }

  async begin(): Promise<void> {
    await this.cluster.addCluster();
    const network = await this.cluster.addNetwork("app");
    for (const host of HOSTS) await this.cluster.addNode(host);
    for (const [name, replicas] of [
      ["web", 5],
      ["api", 3],
    ] as const) {
      const task = {
        ...taskSpec("app:1"),
        networks: [{ target: network }],
        restart: { condition: "any", delayNs: 1e9 },
      } as const;
      const order = this.#random.chance(0.5) ? "start-first" : "stop-first";
      const update = {
        parallelism: 1,
        delayNs: 0,
        failureAction: "continue",
        maxFailureRatio: 1,
        order,
        monitorNs: 1e9,
      } as const;
      const id = await this.cluster.addService({ name, mode: { kind: "replicated", replicas }, task, update });
      this.#replicas.set(id, replicas);
    }
  }

  async step(): Promise<void> {
    const { cluster } = this;
    const node = this.#random.pick([...cluster.nodes.values()]);
    const id = this.#random.pick([...this.#replicas.keys()]);
    assert.ok(node && id);
    const action = this.#random.pick([
      "cut",
      "heal",
      "crash",
      "restart",
      "lead",
      "scale",
      "update",
      "drain",
      "activate",
    ] as const);
    this.#history.push(`${action} ${node.id}`);
    switch (action) {
      case "cut":
        cluster.cut(node);
        break;
      case "heal":
        cluster.heal(node);
        break;
      case "crash": {
        const task = this.#random.pick(node.executor.running());
        if (task !== undefined) node.executor.exit(task.task.id, 1);
        break;
      }
      case "restart":
        await this.#restart(node);
        break;
      case "lead":
        cluster.lead();
        break;
      case "scale": {
        const replicas = this.#random.below(8);
        this.#replicas.set(id, replicas);
        await cluster.updateService(id, spec => ({ ...spec, mode: { kind: "replicated", replicas } }));
        break;
      }
      case "update": {
        const image = `app:${++this.#image}`;
        await cluster.updateService(id, spec => ({
          ...spec,
          task: { ...spec.task, container: { ...spec.task.container, image } },
        }));
        break;
      }
      case "drain":
      case "activate":
        await cluster.setAvailability(node.id, action === "drain" ? "drain" : "active");
        break;
    }
    await cluster.advance(this.#random.below(4_000));
  }

  /** Everything is mended; then all must be as the users asked, within two minutes. */
  async settle(): Promise<void> {
    const { cluster } = this;
    for (const node of cluster.nodes.values()) {
      cluster.heal(node);
      await cluster.setAvailability(node.id, "active");
    }
    await cluster.until(() => this.#isSettled(), { withinMs: 120_000, what: `settled after ${this.#history.join(", ")}` });
    await cluster.advance(5_000);
    assert.ok(this.#isSettled(), "it stays settled");
    const tasks = [...cluster.store.view().all("task")];
    assert.ok(tasks.length <= 5 * 8 * 2, "history is bounded");
    for (const { executor } of cluster.nodes.values()) {
      for (const taskId of executor.containers.keys())
        assert.ok(cluster.store.view().get("task", taskId), "a container of no task is left");
    }
    this.#assertNetworksTold();
  }

  #isSettled(): boolean {
    const { cluster } = this;
    for (const [id, replicas] of this.#replicas) {
      const service = cluster.service(id);
      const running = cluster.running(id);
      if (running.length !== replicas || running.some(task => task.revisionId !== service.revisionId)) return false;
      if (service.updateStatus !== undefined && service.updateStatus.state !== "completed") return false;
      const live = cluster.tasks(id).filter(({ status }) => !isTerminal(status.state));
      if (live.length !== replicas) return false;
    }
    const wanted = [...this.#replicas.values()].reduce((sum, replicas) => sum + replicas, 0);
    const running = [...cluster.nodes.values()].reduce((sum, { executor }) => sum + executor.running().length, 0);
    return running === wanted;
  }

  #assertNetworksTold(): void {
    const { cluster } = this;
    for (const { executor } of cluster.nodes.values()) {
      const networks = new Set(executor.running().flatMap(({ task }) => task.networks.map(({ networkId }) => networkId)));
      const expected = [...cluster.store.view().all("task")]
        .filter(task => task.status.state === "running" && task.networks.some(({ networkId }) => networks.has(networkId)))
        .map(({ id }) => id);
      const told = [...executor.network.values()].flatMap(each =>
        each.kind === "endpoint" && each.endpoint.isServing ? [each.endpoint.taskId] : [],
      );
      assert.deepEqual(told.toSorted(), expected.toSorted(), "a node knows the endpoints on its networks, and no others");
    }
  }

  #assertSafe(): void {
    const view = this.cluster.store.view();
    const owners = new Map<string, string>();
    for (const task of view.all("task")) {
      if (isTerminal(task.status.state)) continue;
      for (const { networkId, addresses } of task.networks) {
        for (const address of addresses) {
          assert.equal(owners.get(`${networkId}${address}`), undefined, `${address} has two owners`);
          owners.set(`${networkId}${address}`, task.id);
        }
      }
    }
    for (const [id, replicas] of this.#replicas) {
      const slots = this.cluster.running(id).map(({ slot }) => slot);
      // A start-first update has two tasks in a slot for a moment; more than that is never right.
      assert.ok(
        slots.every(slot => slots.filter(other => other === slot).length <= 2),
        `a slot of ${replicas} runs three tasks`,
      );
    }
  }

  async #restart(node: SimulatedNode): Promise<void> {
    node.agent?.abort();
    await this.cluster.advance(this.#random.below(3_000));
    this.cluster.startAgent(node, node.id.replace("node-", ""));
  }
}

describe("a simulated cluster under failures", () => {
  for (const seed of seeds) {
    it(`comes to rest as its users asked, SEED=${seed}`, async () => {
      const chaos = new Chaos(seed);
      await using _ = chaos.cluster;
      await chaos.begin();
      for (let step = 0; step < STEPS; step++) await chaos.step();
      await chaos.settle();
    });
  }
});
