import assert from "node:assert/strict";
import type { NodeSpec } from "../../../src/model/cluster.ts";
import { Clients } from "./clients.ts";
import { unsettled } from "./convergence.ts";
import type { SimulatedHost } from "./host.ts";
import { until } from "./simulation.ts";
import { World } from "./world.ts";

const PATIENCE_MS = 60_000;
const SEED = 1;

/** Three managers and a worker; the third manager is away while the others change. */
class Cluster {
  readonly world = new World(SEED);
  readonly clients = new Clients(this.world);
  readonly hosts: SimulatedHost[] = [];

  async begin(): Promise<void> {
    const { world, hosts } = this;
    const founder = world.found();
    hosts.push(founder);
    await this.reached("it is founded", () => world.ledger.view.count("cluster") > 0);
    for (const role of ["manager", "manager", "worker"] as const) hosts.push(await this.join(role));
    await this.reached("all are there", () => unsettled(world) === undefined);
  }

  get host(): (at: number) => SimulatedHost {
    return at => this.hosts[at - 1] ?? assert.fail(`no host ${at}`);
  }

  async join(role: "manager" | "worker"): Promise<SimulatedHost> {
    const [cluster] = this.world.ledger.view.all("cluster");
    const { joinTokenManager = "", joinTokenWorker = "" } = cluster?.rootCa ?? {};
    const joining = this.world.joinSwarm(this.host(1).address, role === "manager" ? joinTokenManager : joinTokenWorker);
    await until(this.world, joining, PATIENCE_MS);
    return await joining;
  }

  async setRole(host: SimulatedHost, role: NodeSpec["role"]): Promise<void> {
    const change = this.clients.change<NodeSpec>("node", host.nodeId, spec => ({ ...spec, role }));
    await until(this.world, change, PATIENCE_MS);
    assert.equal(await change, true);
  }

  async reached(what: string, isSo: () => boolean): Promise<void> {
    const { world } = this;
    await new Promise<void>(resolve => setImmediate(resolve)); // What was begun just now has yet to ask for its time.
    await world.run(world.time.nowMs + PATIENCE_MS, isSo);
    assert.ok(isSo(), `not within ${PATIENCE_MS} ms: ${what}; ${unsettled(world)}`);
  }

  /** The hosts whose managers have a vote, as the leader knows. */
  voters(): string {
    const members = this.world.leader()?.manager?.plane?.consensus.status().members ?? [];
    const names = members.filter(({ isLearner }) => !isLearner).map(({ address }) => address.slice(0, address.indexOf(":")));
    return names.toSorted().join();
  }
}

describe("a simulated manager that was away", () => {
  for (const [what, isPromoted] of [
    ["joined", false],
    ["was promoted", true],
  ] as const) {
    it(`votes for, and follows, a manager that ${what} meanwhile`, async () => {
      const cluster = new Cluster();
      const { world } = cluster;
      await cluster.begin();
      const [first, second, away] = [cluster.host(1), cluster.host(2), cluster.host(3)];
      away.crash({ isPowerLoss: false });
      const newcomer = isPromoted ? cluster.host(4) : await cluster.join("manager");
      if (isPromoted) await cluster.setRole(newcomer, "manager");
      await cluster.reached("the newcomer votes", () => cluster.voters().includes(newcomer.name));
      await cluster.setRole(second, "worker");
      const left = [first, away, newcomer].map(({ name }) => name).join();
      await cluster.reached("three are left", () => cluster.voters() === left);
      first.crash({ isPowerLoss: true });
      // Two of three are up, and only the newcomer knows everything: without the other's vote nobody leads.
      away.start();
      await cluster.reached("the newcomer leads", () => world.leader() === newcomer);
      await write(cluster);
      await cluster.reached("the other has all", () => away.manager?.store.view().index === world.ledger.view.index);
    });
  }

  it("comes in anew when it was demoted and promoted again meanwhile", async () => {
    const cluster = new Cluster();
    const { world } = cluster;
    await cluster.begin();
    const away = cluster.host(3);
    const before = away.record.manager?.raftId ?? assert.fail();
    away.crash({ isPowerLoss: false });
    await cluster.setRole(away, "worker");
    await cluster.reached("it is out of Raft", () => world.ledger.view.get("node", away.nodeId)?.manager === undefined);
    await cluster.setRole(away, "manager");
    away.start();
    await cluster.reached("it votes", () => cluster.voters() === "h1,h2,h3");
    await cluster.reached("all is well", () => unsettled(world) === undefined);
    assert.notEqual(away.record.manager?.raftId, before);
  });
});

/** A write, which both have to keep. Clients give up early now and then. */
async function write({ world, clients }: Cluster): Promise<void> {
  for (let attempt = 1; attempt < 10; attempt++) {
    const asked = clients.create("config", `c${attempt}`, { name: `c${attempt}`, labels: {}, data: Buffer.from("x") });
    await until(world, asked, PATIENCE_MS);
    if ((await asked)?.kind === "created") return;
  }
  assert.fail("nothing was written");
}
