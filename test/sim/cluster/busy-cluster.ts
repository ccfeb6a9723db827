import type { ServiceId } from "../../../src/model/ids.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";
import type { SimulatedNode } from "./simulated-cluster.ts";

const NODES = 6;
export const REPLICAS = 12;

/** Six nodes that run twelve tasks. */
export async function aBusyCluster(): Promise<{
  readonly cluster: SimulatedCluster;
  readonly id: ServiceId;
  readonly nodes: readonly SimulatedNode[];
  readonly taskIds: () => readonly string[];
}> {
  const cluster = new SimulatedCluster();
  await cluster.addCluster();
  for (let number = 1; number <= NODES; number++) await cluster.addNode(`w${number}`);
  await cluster.until(() => [...cluster.store.view().all("node")].every(({ status }) => status.state === "ready"));
  const id = await cluster.addService({ name: "web", mode: { kind: "replicated", replicas: REPLICAS } });
  await cluster.until(() => cluster.running(id).length === REPLICAS);
  const taskIds = (): readonly string[] =>
    cluster
      .tasks(id)
      .map(task => task.id)
      .toSorted();
  return { cluster, id, nodes: [...cluster.nodes.values()], taskIds };
}

/** How many nodes count as down. */
export function down(cluster: SimulatedCluster): number {
  return [...cluster.store.view().all("node")].filter(({ status }) => status.state === "down").length;
}
