import assert from "node:assert/strict";
import { Clients } from "./clients.ts";
import { SimulatedCluster } from "./cluster.ts";
import { Faults } from "./faults.ts";

const CHAOS_MS = 12_000;
const RECOVERY_MS = 30_000;

export interface SimulationResult {
  readonly traceHash: number;
  readonly acknowledgedCount: number;
  readonly readCount: number;
  readonly appliedIndex: number;
}

/** One life of a cluster: faults for a while with safety checked at every step, then repair and liveness. */
export async function simulate(
  seed: number,
  { onTrace }: { readonly onTrace?: ((line: string) => void) | undefined } = {},
): Promise<SimulationResult> {
  const cluster = new SimulatedCluster(seed, { onTrace });
  const { random, time, hosts } = cluster;
  const hostCount = random.pick([1, 3, 3, 3, 4, 5]) ?? 3;
  const members = Array.from({ length: hostCount }, (_, at) => at + 1);
  for (const raftId of members) cluster.start(cluster.addHost(raftId, members));
  const clients = new Clients(cluster);
  const faults = new Faults(cluster, { hostCount });

  const every = (fromMs: number, toMs: number, run: () => void) => {
    const again = () => {
      if (time.nowMs > CHAOS_MS) return;
      run();
      time.after(random.between(fromMs, toMs), again);
    };
    time.after(random.between(fromMs, toMs), again);
  };
  const anyHost = () => random.pick([...hosts.values()]);
  const target = () => (random.chance(0.8) ? cluster.leader() : anyHost()) ?? anyHost();
  every(10, 150, () => {
    const host = target();
    for (let count = random.chance(0.2) ? 6 : 1; count > 0; count--) if (host !== undefined) clients.propose(host);
  });
  every(30, 250, () => {
    const host = random.chance(0.5) ? cluster.leader() : anyHost();
    if (host !== undefined) clients.read(host);
  });
  every(200, 1_500, () => faults.strike());
  await cluster.run(CHAOS_MS);

  faults.calm();
  cluster.trace("calm");
  await recover(cluster, clients);
  clients.check();
  const { traceHash, invariants } = cluster;
  for (const { process } of hosts.values()) process?.die();
  return {
    traceHash,
    appliedIndex: invariants.commitIndex,
    acknowledgedCount: clients.acknowledgedCount,
    readCount: clients.readCount,
  };
}

/** After the repair there is a leader, it commits, and all members come to the same state. */
async function recover(cluster: SimulatedCluster, clients: Clients): Promise<void> {
  const { time, hosts } = cluster;
  const deadlineMs = time.nowMs + RECOVERY_MS;
  const before = clients.acknowledgedCount;
  const isConverged = () => {
    if (clients.acknowledgedCount === before) return false;
    const status = cluster.leader()?.process?.driver?.status();
    if (status === undefined || status.appliedIndex < status.commitIndex) return false;
    return status.members.every(({ raftId }) => {
      const own = hosts.get(raftId)?.process?.driver?.status();
      return own?.appliedIndex === status.appliedIndex && own.leaderId === status.leaderId;
    });
  };
  while (time.nowMs < deadlineMs && !isConverged()) {
    const leader = cluster.leader();
    if (clients.acknowledgedCount === before && leader !== undefined) clients.propose(leader);
    await cluster.run(Math.min(deadlineMs, time.nowMs + 300), isConverged);
  }
  assert.ok(clients.acknowledgedCount > before, "liveness: nothing was committed after the repair");
  const states = [...hosts.values()].map(({ raftId, process }) => ({ raftId, ...process?.driver?.status() }));
  assert.ok(isConverged(), `liveness: the members did not come to the same state after the repair: ${JSON.stringify(states)}`);
}
