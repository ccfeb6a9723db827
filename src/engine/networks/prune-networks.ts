import { errorMessage } from "../../lib/errors.ts";
import type { Log } from "../../ports/log.ts";

/** Removes what is not used; what cannot be removed stays, and keeps nothing else. @returns the names of what is gone. */
export async function pruneNetworks<N extends { readonly name: string }>(
  networks: readonly N[],
  { remove, log }: { readonly remove: (network: N) => Promise<void>; readonly log: Log },
): Promise<readonly string[]> {
  const deleted: string[] = [];
  for (const network of networks) {
    try {
      await remove(network);
      deleted.push(network.name);
    } catch (error) {
      log.warn({ network: network.name, error: errorMessage(error) }, "a network could not be pruned");
    }
  }
  return deleted;
}
