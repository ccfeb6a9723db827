import { asId, type NetworkId } from "./ids.ts";

/** A network that every node has by itself. A service on one has no address in the cluster: its tasks are on their nodes' own. */
export interface NodeNetwork {
  readonly name: "bridge" | "host";
  /** How a swarm's clients know it: 25 characters, as of any of its networks, and the same in every swarm. */
  readonly id: NetworkId;
}

export const NODE_NETWORKS: readonly NodeNetwork[] = [
  { name: "bridge", id: asId("bridge0000000000000000000") },
  { name: "host", id: asId("host000000000000000000000") },
];

export function nodeNetwork(idOrName: string): NodeNetwork | undefined {
  return NODE_NETWORKS.find(({ id, name }) => id === idOrName || name === idOrName);
}
