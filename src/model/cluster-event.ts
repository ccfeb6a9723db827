import type { Labels } from "./cluster.ts";

/** Something that happened to an object of the cluster, as the managers tell it. @see Docker's events of scope `swarm`. */
export interface ClusterEvent {
  readonly type: "node" | "service" | "network" | "secret" | "config";
  readonly action: "create" | "update" | "remove";
  readonly id: string;
  /** Its name, and of an update what changed: `replicas.old`, `replicas.new`, … */
  readonly attributes: Labels;
}
