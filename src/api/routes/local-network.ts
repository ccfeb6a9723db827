import { errorKind } from "../../lib/errors.ts";
import type { EngineNetwork } from "../../model/engine-network.ts";
import type { ApiContext } from "../context.ts";

/** A network that this host has, the cluster's that it takes part in among them. */
export async function findLocal(idOrName: string, { backends }: ApiContext): Promise<EngineNetwork | undefined> {
  try {
    return await backends.networks.inspect(idOrName);
  } catch (error) {
    if (errorKind(error) === "not-found") return undefined;
    throw error;
  }
}
