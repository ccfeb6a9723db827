import assert from "node:assert/strict";
import type { NetworkId, ServiceId } from "../../../src/model/ids.ts";
import type { ServiceSpec } from "../../../src/model/cluster.ts";
import { isTerminal } from "../../../src/model/task-state.ts";
import { SeededRandom } from "../seeded-random.ts";
import { SimulatedCluster, taskSpec } from "./simulated-cluster.ts";

const replay = process.env["SEED"];
const seeds = replay === undefined ? [1, 2, 3, 4] : [Number(replay)];
const ROW = ["10.9.0.20-10.9.0.22", "10.9.0.40"];
const ADDRESSES = ["10.9.0.20", "10.9.0.21", "10.9.0.22", "10.9.0.40"];

/** A service whose slots have addresses, beside one that takes what is free. */
class World implements AsyncDisposable {
  readonly cluster: SimulatedCluster;
  network: NetworkId = undefined as never;
  web: ServiceId = undefined as never;
  other: ServiceId = undefined as never;

  constructor(seed = 1) {
    this.cluster = new SimulatedCluster({ seed });
    this.cluster.onApplied = () => this.#assertSafe();
  }

  static async begin({ seed, replicas = 3, row = ROW }: { seed?: number; replicas?: number; row?: readonly string[] } = {}) {
    const world = new World(seed);
    const { cluster } = world;
    await cluster.addCluster();
    world.network = await cluster.addNetwork("app", { subnet: "10.9.0.0/26" });
    for (const host of ["w1", "w2", "w3"]) await cluster.addNode(host);
    await cluster.until(() => [...cluster.store.view().all("node")].every(({ status }) => status.state === "ready"));
    world.other = await cluster.addService({ name: "other", task: world.#task(), mode: { kind: "replicated", replicas: 12 } });
    world.web = await cluster.addService({ name: "web", task: world.#task(row), mode: { kind: "replicated", replicas } });
    await cluster.until(() => cluster.running(world.web).length === replicas && cluster.running(world.other).length === 12);
    return world;
  }

  #task(addresses?: readonly string[]): ServiceSpec["task"] {
    const networks = [{ target: this.network, ...(addresses !== undefined && { addresses }) }];
    return { ...taskSpec("app:1"), networks, restart: { condition: "any", delayNs: 1e9 } };
  }

  /** Of the tasks that run, by slot. */
  get addresses(): readonly string[] {
    const running = this.cluster.running(this.web).toSorted((a, b) => a.slot - b.slot);
    return running.map(({ slot, networks: [network] }) => `${slot} ${network?.addresses.join()}`);
  }

  async update(image: string, addresses: readonly string[] = ROW): Promise<void> {
    await this.cluster.updateService(this.web, spec => {
      const task = { ...spec.task, container: { ...spec.task.container, image } };
      const network = { target: this.network, ...(addresses.length > 0 && { addresses }) };
      return { ...spec, task: { ...task, networks: [network] } };
    });
  }

  async scale(replicas: number): Promise<void> {
    await this.cluster.updateService(this.web, spec => ({ ...spec, mode: { kind: "replicated", replicas } }));
  }

  async untilAddresses(wanted: readonly string[], withinMs = 60_000): Promise<number> {
    const expected = wanted.map((address, index) => `${index + 1} ${address}/26`).join(" ");
    const isSo = () => this.addresses.join(" ") === expected;
    return this.cluster.until(isSo, { what: `${expected}, not ${this.addresses.join(" ")}`, withinMs });
  }

  async disturb(random: SeededRandom): Promise<void> {
    const { cluster, web } = this;
    const node = random.pick([...cluster.nodes.values()]);
    assert.ok(node);
    switch (random.pick(["cut", "heal", "exit", "lead", "drain", "active", "update", "scale"] as const)) {
      case "cut":
        return cluster.cut(node);
      case "heal":
        return cluster.heal(node);
      case "exit": {
        const task = random.pick(cluster.running(web));
        if (task?.nodeId !== undefined) cluster.nodes.get(task.nodeId)?.executor.exit(task.id, 1);
        return;
      }
      case "lead":
        return cluster.lead();
      case "update":
        return this.update(`app:${random.below(100)}`, random.pick([ROW, [...ROW].reverse(), []]));
      case "scale":
        return this.scale(1 + random.below(4));
      case "drain":
        return cluster.setAvailability(node.id, "drain");
      case "active":
        return cluster.setAvailability(node.id, "active");
    }
  }

  /** After every entry: one live task an address, and none of the others' has one that is kept. */
  #assertSafe(): void {
    const owners = new Map<string, string>();
    for (const task of this.cluster.store.view().all("task")) {
      if (isTerminal(task.status.state)) continue;
      for (const address of task.networks.flatMap(({ addresses }) => addresses)) {
        assert.equal(owners.get(address) ?? task.id, task.id, `${address} has two owners`);
        owners.set(address, task.id);
        if (task.serviceId === this.other) assert.ok(!ADDRESSES.includes(address.split("/")[0] ?? ""), `${address} is kept`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}

describe("simulated slots with addresses", () => {
  it("have them through restarts, scaling and a rolling update, one task at a time", async () => {
    await using world = await World.begin();
    const { cluster, web } = world;
    await world.untilAddresses(ADDRESSES.slice(0, 3));
    const [first] = cluster.running(web);
    assert.ok(first?.nodeId);
    cluster.nodes.get(first.nodeId)?.executor.exit(first.id, 1);
    await cluster.until(() => cluster.running(web).length === 2);
    await world.untilAddresses(ADDRESSES.slice(0, 3));
    await world.scale(4);
    await world.untilAddresses(ADDRESSES);
    await world.scale(2);
    await world.untilAddresses(ADDRESSES.slice(0, 2));
    await world.scale(4);
    await world.untilAddresses(ADDRESSES);
    let least = 4;
    const check = cluster.onApplied;
    cluster.onApplied = () => {
      check?.();
      least = Math.min(least, cluster.running(web).length);
    };
    await world.update("app:2");
    await cluster.until(() => cluster.service(web).updateStatus?.state === "completed");
    await world.untilAddresses(ADDRESSES);
    assert.equal(least, 3, "a new task waits for the old one's address, and the update for the new task");
  });

  it("take them along when a node is lost, and again when it was only cut off", async () => {
    await using world = await World.begin();
    const { cluster, web } = world;
    const lost = cluster.nodes.get(cluster.running(web)[0]?.nodeId ?? ("" as never));
    assert.ok(lost);
    cluster.cut(lost);
    await cluster.until(() => cluster.running(web).every(({ nodeId }) => nodeId !== lost.id));
    await world.untilAddresses(ADDRESSES.slice(0, 3), 10_000);
    const left = cluster.tasks(web).filter(({ nodeId, status }) => nodeId === lost.id && status.state === "running");
    assert.deepEqual(
      left.flatMap(({ networks }) => networks.flatMap(({ addresses }) => addresses)),
      [],
    );
    cluster.heal(lost);
    await cluster.until(() => lost.executor.running().every(({ task }) => task.serviceId !== web));
    await world.untilAddresses(ADDRESSES.slice(0, 3));
  });

  it("wait for a drained node's task to end", async () => {
    await using world = await World.begin();
    const { cluster, web } = world;
    const node = cluster.nodes.get(cluster.running(web)[0]?.nodeId ?? ("" as never));
    assert.ok(node);
    await cluster.setAvailability(node.id, "drain");
    await cluster.until(() => node.executor.running().every(({ task }) => task.serviceId !== web), { withinMs: 3_000 });
    await world.untilAddresses(ADDRESSES.slice(0, 3));
  });

  it("can change places, and say meanwhile who has what they wait for", async () => {
    await using world = await World.begin({ replicas: 3 });
    const { cluster, web } = world;
    const reasons = new Set<string>();
    const check = cluster.onApplied;
    cluster.onApplied = () => {
      check?.();
      for (const { status } of cluster.tasks(web))
        if (status.error !== undefined) reasons.add(status.error.replace(/task \S+/, "task x"));
    };
    await world.update("app:1", ["10.9.0.21", "10.9.0.22", "10.9.0.20"]);
    await world.untilAddresses(["10.9.0.21", "10.9.0.22", "10.9.0.20"]);
    assert.ok(reasons.has("address 10.9.0.21 on network app is held by task x"), [...reasons].join());
  });

  it("move up a row one by one, the last first", async () => {
    await using world = await World.begin({ row: ["10.9.0.20-10.9.0.22"] });
    const { cluster, web } = world;
    let least = 3;
    const check = cluster.onApplied;
    cluster.onApplied = () => {
      check?.();
      least = Math.min(least, cluster.running(web).length);
    };
    await world.update("app:1", ["10.9.0.21-10.9.0.23"]);
    await world.untilAddresses(["10.9.0.21", "10.9.0.22", "10.9.0.23"]);
    assert.equal(least, 2);
  });

  for (const seed of seeds) {
    it(`have them again after whatever happens, SEED=${seed}`, async () => {
      await using world = await World.begin({ seed });
      const { cluster } = world;
      const random = new SeededRandom(seed + 500);
      const nodes = [...cluster.nodes.values()];
      for (let step = 0; step < 25; step++) {
        await world.disturb(random);
        await cluster.advance(random.between(100, 4_000));
      }
      for (const node of nodes) {
        cluster.heal(node);
        await cluster.setAvailability(node.id, "active");
      }
      await world.update("app:1");
      await world.scale(4);
      await world.untilAddresses(ADDRESSES, 120_000);
    });
  }
});
