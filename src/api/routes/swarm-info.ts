import { callCluster, isManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import type { ApiRequest } from "../http/exchange.ts";
import { clusterJson } from "../wire/swarm.ts";
import { localSwarmJson } from "../wire/system.ts";

/** `info` is asked for when things go wrong too: it does not wait for managers that do not answer. */
const CLUSTER_ANSWER_MS = 2000;

/** The Swarm part of `info`: on a manager with the cluster, as far as it answers. */
export async function swarmInfo(request: ApiRequest, context: ApiContext): Promise<Record<string, unknown>> {
  const local = context.backends.swarm.local();
  const known = localSwarmJson(local);
  if (!isManager(local)) return known;
  const signal = AbortSignal.any([request.signal, context.clock.timeout(CLUSTER_ANSWER_MS)]);
  try {
    const [{ cluster }, { nodes }] = await Promise.all([
      callCluster({ ...request, signal }, context, { kind: "get-cluster" }),
      callCluster({ ...request, signal }, context, { kind: "list-nodes", filters: {} }),
    ]);
    const managers = nodes.filter(({ node }) => node.manager !== undefined).length;
    return { ...known, Nodes: nodes.length, Managers: managers, Cluster: clusterJson(cluster) };
  } catch (error) {
    return { ...known, Error: error instanceof Error ? error.message : String(error) };
  }
}
