import type { ApiServer } from "../api/server.ts";
import type { SwarmNode } from "./swarm/swarm-node.ts";
import type { Engine } from "./engine.ts";

/** What SIGUSR1 shows of a daemon: what it is doing, for whom, and with what. No secrets: of requests the paths alone. */
export function stateDump({
  engine,
  api,
  swarm,
}: {
  readonly engine: Pick<Engine, "containers">;
  readonly api: Pick<ApiServer, "takenCount" | "requestsInFlight">;
  readonly swarm: Pick<SwarmNode, "local">;
}): unknown {
  return {
    requests: api.requestsInFlight,
    streams: api.takenCount,
    containers: count(engine.containers.statuses()),
    // Timers, sockets, file work: what keeps the process busy.
    resources: count(process.getActiveResourcesInfo()),
    swarm: swarm.local(),
  };
}

function count(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
