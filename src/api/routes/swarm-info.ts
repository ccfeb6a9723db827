import type { ApiContext } from "../context.ts";
import { localSwarmJson } from "../wire/system.ts";

/** The Swarm part of `info`: on a manager with the cluster, as far as it answers. */
export async function swarmInfo({ backends }: ApiContext): Promise<Record<string, unknown>> {
  return localSwarmJson(backends.swarm.local());
}
