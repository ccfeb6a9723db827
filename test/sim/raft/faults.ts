import { SimulatedCluster } from "./cluster.ts";
import { GOOD_NETWORK } from "../network.ts";
import type { Host } from "./host.ts";

const MEMBERS_MAX = 5;

/** What goes wrong, drawn from the seed. */
export class Faults {
  readonly #cluster: SimulatedCluster;
  #nextRaftId: number;
  #isCalm = false;

  constructor(cluster: SimulatedCluster, { hostCount }: { readonly hostCount: number }) {
    this.#cluster = cluster;
    this.#nextRaftId = hostCount + 1;
  }

  /** Everything is repaired, for good. */
  calm(): void {
    const { network, hosts } = this.#cluster;
    this.#isCalm = true;
    network.heal();
    network.quality = GOOD_NETWORK;
    for (const host of hosts.values()) {
      host.disk.isFull = false;
      host.disk.slowMs = 0;
      if (host.process === undefined) this.#cluster.start(host);
      else host.process.resume();
    }
  }

  strike(): void {
    const { random } = this.#cluster;
    const strikes: readonly (readonly [number, () => void])[] = [
      [20, () => this.#crash(this.#anyHost())],
      [8, () => this.#crash(this.#leader())],
      [3, () => this.#crashAll()],
      [10, () => this.#partition()],
      [8, () => this.#isolate(this.#leader())],
      [6, () => this.#cutOneWay()],
      [10, () => this.#pause(random.chance(0.6) ? this.#leader() : this.#anyHost())],
      [12, () => this.#disturbNetwork()],
      [8, () => this.#transfer()],
      [12, () => this.#changeMembers()],
      [8, () => this.#fillDisk(random.chance(0.6) ? this.#leader() : this.#anyHost())],
      [8, () => this.#slowDisk(random.chance(0.6) ? this.#leader() : this.#anyHost())],
      [3, () => this.#stepClock(this.#anyHost())],
      [6, () => this.#disconnect()],
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
    const { time, random } = this.#cluster;
    time.after(random.between(fromMs, toMs), () => {
      if (!this.#isCalm) run();
    });
  }

  #anyHost(): Host | undefined {
    return this.#cluster.random.pick([...this.#cluster.hosts.values()]);
  }

  #leader(): Host | undefined {
    return this.#cluster.leader() ?? this.#anyHost();
  }

  #crash(host: Host | undefined): void {
    const { random } = this.#cluster;
    if (host?.process === undefined) return;
    this.#cluster.crash(host, { isPowerLoss: random.chance(0.8) });
    this.#later(50, 2_500, () => {
      if (host.process === undefined) this.#cluster.start(host);
    });
  }

  #crashAll(): void {
    for (const host of this.#cluster.hosts.values()) this.#crash(host);
  }

  #healLater(): void {
    this.#later(300, 4_000, () => {
      this.#cluster.trace("the network heals");
      this.#cluster.network.heal();
    });
  }

  #partition(): void {
    const { random, network, hosts } = this.#cluster;
    const side = new Map([...hosts.keys()].map(raftId => [raftId, random.chance(0.5)]));
    this.#cluster.trace("partition");
    for (const a of hosts.keys()) for (const b of hosts.keys()) if (side.get(a) !== side.get(b)) network.cut(a, b);
    this.#healLater();
  }

  #isolate(host: Host | undefined): void {
    const { network, hosts } = this.#cluster;
    if (host === undefined) return;
    this.#cluster.trace(`${host.raftId} is cut off`);
    for (const other of hosts.keys()) {
      network.cut(host.raftId, other);
      network.cut(other, host.raftId);
    }
    this.#healLater();
  }

  #cutOneWay(): void {
    const { network } = this.#cluster;
    const [from, to] = [this.#leader(), this.#anyHost()];
    if (from === undefined || to === undefined) return;
    this.#cluster.trace(`${from.raftId} is not heard by ${to.raftId}`);
    network.cut(from.raftId, to.raftId);
    this.#healLater();
  }

  #disconnect(): void {
    const { random, hosts } = this.#cluster;
    const host = this.#leader();
    if (host === undefined) return;
    for (const other of hosts.values()) if (random.chance(0.6)) this.#cluster.disconnect(host, other);
  }

  #pause(host: Host | undefined): void {
    const process = host?.process;
    if (process === undefined) return;
    this.#cluster.trace(`${host?.raftId} stands still`);
    process.pause();
    this.#later(200, 4_000, () => process.resume());
  }

  #fillDisk(host: Host | undefined): void {
    if (host === undefined) return;
    this.#cluster.trace(`${host.raftId}'s disk is full`);
    host.disk.isFull = true;
    this.#later(300, 5_000, () => {
      host.disk.isFull = false;
    });
  }

  #slowDisk(host: Host | undefined): void {
    if (host === undefined) return;
    this.#cluster.trace(`${host.raftId}'s disk is slow`);
    host.disk.slowMs = this.#cluster.random.pick([200, 2_000, 8_000]) ?? 0;
    this.#later(300, 5_000, () => {
      host.disk.slowMs = 0;
    });
  }

  #stepClock(host: Host | undefined): void {
    const { random } = this.#cluster;
    if (host?.process === undefined) return;
    this.#cluster.trace(`${host.raftId}'s wall clock jumps`);
    host.process.wallSkewMs = random.between(-1e10, 1e10);
  }

  #disturbNetwork(): void {
    const { random, network } = this.#cluster;
    this.#cluster.trace("the network gets worse");
    network.quality = {
      loss: random.between(0, 0.3),
      duplication: random.between(0, 0.2),
      latencyMsMax: random.between(5, 60),
      detour: random.between(0, 0.1),
      detourMsMax: 1_500,
    };
    this.#later(300, 4_000, () => {
      network.quality = GOOD_NETWORK;
    });
  }

  #transfer(): void {
    const driver = this.#cluster.leader()?.process?.driver;
    this.#cluster.trace("leadership is transferred");
    driver?.transferLeadership({}).catch(() => undefined);
  }

  #changeMembers(): void {
    const { random, time, hosts } = this.#cluster;
    const process = this.#cluster.leader()?.process;
    const driver = process?.driver;
    if (driver === undefined || process === undefined) return;
    const signal = process.clock.timeout(random.between(200, 5_000));
    const { members } = driver.status();
    if (members.length < MEMBERS_MAX && (members.length < 3 || random.chance(0.5))) {
      const raftId = this.#nextRaftId++;
      this.#cluster.trace(`${raftId} joins`);
      this.#cluster.start(this.#cluster.addHost(raftId, []));
      driver.addMember(SimulatedCluster.member(raftId), { signal }).catch(() => undefined);
      return;
    }
    const gone = random.pick(members);
    if (gone === undefined) return;
    this.#cluster.trace(`${gone.raftId} is removed`);
    const removal = driver.removeMember(gone.raftId, { signal });
    const retire = () => {
      const host = hosts.get(gone.raftId);
      // A removed manager may live on and must not disturb; most are shut down.
      if (host !== undefined && random.chance(0.7)) time.after(0, () => this.#retire(host));
    };
    removal.then(retire, () => undefined);
  }

  #retire(host: Host): void {
    this.#cluster.crash(host, { isPowerLoss: false });
    this.#cluster.hosts.delete(host.raftId);
  }
}
