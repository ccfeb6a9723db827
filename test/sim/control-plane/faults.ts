import type { Node, NodeSpec } from "../../../src/model/cluster.ts";
import { GOOD_NETWORK } from "../network.ts";
import type { Clients } from "./clients.ts";
import type { SimulatedHost } from "./host.ts";
import type { World } from "./world.ts";

const MANAGERS_MAX = 5;
const HOSTS_MAX = 9;
const HOSTS_MIN = 4;

/** What goes wrong, and what operators do to the nodes, drawn from the seed. */
export class Faults {
  readonly #world: World;
  readonly #clients: Clients;
  #isCalm = false;
  /** What operators have begun and were not answered yet. */
  readonly #underWay = new Set<Promise<void>>();
  /** Hosts that left for good, until their node is removed. */
  readonly #left = new Set<SimulatedHost>();

  constructor(world: World, clients: Clients) {
    this.#world = world;
    this.#clients = clients;
  }

  /** Everything is repaired, for good; nodes take tasks again. */
  async calm(): Promise<void> {
    const { network, hosts, clock } = this.#world;
    this.#isCalm = true;
    this.#world.trace("calm");
    network.heal();
    network.quality = GOOD_NETWORK;
    for (const host of hosts.values()) {
      host.disk.isFull = false;
      host.disk.slowMs = 0;
      host.daemon?.resume();
      host.manager?.process.resume();
      host.start();
      host.startManagerIfDue();
      host.upgrade();
    }
    while (this.#world.leader() === undefined) await clock.sleep(200);
    await Promise.all(this.#underWay); // A drain that comes after this would be what is asked for.
    for (const host of hosts.values()) {
      if (host.isExpelled) continue;
      do await this.#clients.change<NodeSpec>("node", host.nodeId, spec => ({ ...spec, availability: "active" }));
      while ((this.#node(host)?.spec.availability ?? "active") !== "active"); // Of unknown outcome: asked again.
    }
    for (const host of this.#left) while (this.#node(host) !== undefined) await this.#clients.remove("node", host.nodeId);
  }

  #node({ nodeId }: SimulatedHost): Node | undefined {
    return this.#world.ledger.view.get("node", nodeId);
  }

  strike(): void {
    const { random } = this.#world;
    const someManager = () => (random.chance(0.5) ? this.#leader() : this.#anyHost());
    const strikes: readonly (readonly [number, () => void])[] = [
      [8, () => this.#crash(this.#anyHost())],
      [8, () => this.#killManager(someManager())],
      [4, () => this.#crash(this.#leader())],
      [1, () => this.#crashAll()],
      [8, () => this.#partition()],
      [8, () => this.#isolate(someManager())],
      [6, () => this.#isolate(this.#anyHost())],
      [4, () => this.#cutOneWay()],
      [8, () => this.#pause(someManager())],
      [8, () => this.#disturbNetwork()],
      [3, () => this.#disconnect(this.#leader())],
      [5, () => this.#transfer()],
      [5, () => this.#fillDisk(someManager())],
      [5, () => this.#slowDisk(someManager())],
      [3, () => this.#stepClock(someManager())],
      [6, () => this.#crashTask()],
      [6, () => this.#operate(this.#setAvailability())],
      [6, () => this.#operate(this.#changeRole())],
      [4, () => this.#operate(this.#join())],
      [2, () => this.#operate(this.#leave())],
      [4, () => this.#anyHost()?.upgrade()],
    ];
    let draw = random.below(strikes.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, strike] of strikes) {
      if (draw < weight) {
        strike();
        return;
      }
      draw -= weight;
    }
  }

  #later(fromMs: number, toMs: number, run: () => void): void {
    const { time, random } = this.#world;
    time.after(random.between(fromMs, toMs), () => {
      if (!this.#isCalm) run();
    });
  }

  #members(): readonly SimulatedHost[] {
    return [...this.#world.hosts.values()].filter(({ isExpelled }) => !isExpelled);
  }

  #anyHost(): SimulatedHost | undefined {
    return this.#world.random.pick(this.#members());
  }

  #leader(): SimulatedHost | undefined {
    return this.#world.leader() ?? this.#anyHost();
  }

  #crash(host: SimulatedHost | undefined): void {
    if (host?.daemon === undefined) return;
    host.crash({ isPowerLoss: this.#world.random.chance(0.5) });
    this.#later(100, 9_000, () => host.start());
  }

  #crashAll(): void {
    for (const host of this.#members()) this.#crash(host);
  }

  /** The daemon lives on and starts it again. */
  #killManager(host: SimulatedHost | undefined): void {
    if (host?.manager === undefined) return;
    this.#world.trace(`${host.name}'s manager is killed`);
    host.killManager();
    this.#later(100, 3_000, () => host.startManagerIfDue());
  }

  #disconnect(host: SimulatedHost | undefined): void {
    if (host !== undefined) this.#world.disconnect(host);
  }

  #healLater(maxMs: number): void {
    this.#later(500, maxMs, () => {
      this.#world.trace("the network heals");
      this.#world.network.heal();
    });
  }

  #partition(): void {
    const { random, network } = this.#world;
    const side = new Map(this.#members().map(({ at }) => [at, random.chance(0.5)]));
    this.#world.trace("partition");
    for (const a of side.keys()) for (const b of side.keys()) if (side.get(a) !== side.get(b)) network.cut(a, b);
    this.#healLater(8_000);
  }

  #isolate(host: SimulatedHost | undefined): void {
    if (host === undefined) return;
    this.#world.trace(`${host.name} is cut off`);
    for (const { at } of this.#members()) {
      this.#world.network.cut(host.at, at);
      this.#world.network.cut(at, host.at);
    }
    this.#healLater(9_000);
  }

  #cutOneWay(): void {
    const [from, to] = [this.#leader(), this.#anyHost()];
    if (from === undefined || to === undefined) return;
    this.#world.trace(`${from.name} is not heard by ${to.name}`);
    this.#world.network.cut(from.at, to.at);
    this.#healLater(6_000);
  }

  #pause(host: SimulatedHost | undefined): void {
    const process = host?.manager?.process;
    if (process === undefined) return;
    this.#world.trace(`${host?.name}'s manager stands still`);
    process.pause();
    this.#later(200, 5_000, () => process.resume());
  }

  #disturbNetwork(): void {
    const { random, network } = this.#world;
    this.#world.trace("the network gets worse");
    network.quality = {
      loss: random.between(0, 0.3),
      duplication: random.between(0, 0.2),
      latencyMsMax: random.between(5, 60),
      detour: random.between(0, 0.1),
      detourMsMax: 1_000,
    };
    this.#later(300, 4_000, () => {
      network.quality = GOOD_NETWORK;
    });
  }

  #transfer(): void {
    this.#world.trace("leadership is transferred");
    this.#world
      .leader()
      ?.manager?.plane?.handOver()
      .catch(() => undefined);
  }

  #fillDisk(host: SimulatedHost | undefined): void {
    if (host === undefined) return;
    this.#world.trace(`${host.name}'s disk is full`);
    host.disk.isFull = true;
    this.#later(300, 5_000, () => {
      host.disk.isFull = false;
    });
  }

  #slowDisk(host: SimulatedHost | undefined): void {
    if (host === undefined) return;
    this.#world.trace(`${host.name}'s disk is slow`);
    host.disk.slowMs = this.#world.random.pick([200, 2_000, 8_000]) ?? 0;
    this.#later(300, 5_000, () => {
      host.disk.slowMs = 0;
    });
  }

  #stepClock(host: SimulatedHost | undefined): void {
    if (host?.manager === undefined) return;
    this.#world.trace(`${host.name}'s wall clock jumps`);
    // Over a day, tasks of nodes that are down count as lost: not what is looked at here.
    host.manager.process.wallSkewMs = Math.floor(this.#world.random.between(-3_600_000, 3_600_000));
  }

  #crashTask(): void {
    const { random } = this.#world;
    const host = this.#anyHost();
    const task = random.pick(host?.executor.running() ?? []);
    if (host === undefined || task === undefined) return;
    this.#world.trace(`a container of ${host.name} ends`);
    host.executor.exit(task.task.id, random.pick([0, 1]) ?? 1);
  }

  // ---- what operators do ----

  #operate(work: Promise<void>): void {
    const watched = work.catch((error: unknown) => this.#world.fail(error)).finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }

  async #setAvailability(): Promise<void> {
    const host = this.#anyHost();
    const availability = this.#world.random.pick(["active", "active", "drain", "pause"] as const) ?? "active";
    if (host !== undefined) await this.#clients.change<NodeSpec>("node", host.nodeId, spec => ({ ...spec, availability }));
  }

  async #changeRole(): Promise<void> {
    const host = this.#anyHost();
    if (host === undefined) return;
    const managers = this.#members().filter(({ record }) => record.manager !== undefined).length;
    const isManager = host.record.manager !== undefined;
    if (isManager ? managers < 3 : managers >= MANAGERS_MAX) return;
    const role = isManager ? "worker" : "manager";
    this.#world.trace(`${host.name} is to be a ${role}`);
    await this.#clients.change<NodeSpec>("node", host.nodeId, spec => ({ ...spec, role }));
  }

  async #join(): Promise<void> {
    const { random, ledger } = this.#world;
    const managers = this.#members().filter(({ record }) => record.manager !== undefined);
    const [cluster] = ledger.view.all("cluster");
    const asked = random.pick(managers);
    if (this.#members().length >= HOSTS_MAX || cluster === undefined || asked === undefined) return;
    const { joinTokenManager, joinTokenWorker } = cluster.rootCa;
    const token = managers.length < MANAGERS_MAX && random.chance(0.5) ? joinTokenManager : joinTokenWorker;
    await this.#world.joinSwarm(asked.address, token).catch(() => undefined);
  }

  /** A worker leaves, with or without a goodbye; its node is removed at the end. */
  async #leave(): Promise<void> {
    const workers = this.#members().filter(({ record }) => record.manager === undefined && record.certificate.role === "worker");
    const host = this.#world.random.pick(workers);
    if (host === undefined || this.#members().length <= HOSTS_MIN) return;
    if (this.#node(host)?.spec.role !== "worker") return;
    if (this.#world.random.chance(0.7)) await host.sayGoodbye().catch(() => undefined);
    if (host.isExpelled || host.record.manager !== undefined) return; // Something else became of it meanwhile.
    host.leave();
    this.#left.add(host);
  }
}
