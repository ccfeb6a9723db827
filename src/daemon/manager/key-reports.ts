import { errorKind } from "../../lib/errors.ts";
import { unlockKeyOf } from "../../manager/control-api/cluster.ts";
import type { Store } from "../../manager/store/store.ts";
import type { KeyReport } from "../swarm/node-keys.ts";

/**
 * Tells which unlock key the cluster has, as this manager applies it, until `signal`.
 * Older states come again after a start: the versions tell.
 */
export async function reportUnlockKey({
  store,
  report,
  signal,
}: {
  readonly store: Pick<Store, "view" | "watch">;
  readonly report: (report: KeyReport) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  let toldVersion = 0;
  const tell = () => {
    const [cluster] = store.view().all("cluster");
    if (cluster === undefined || cluster.version === toldVersion) return;
    toldVersion = cluster.version;
    report({ unlock: unlockKeyOf(cluster) });
  };
  while (!signal.aborted) {
    try {
      const touched = store.watch({ signal });
      tell();
      for await (const _ of touched) tell();
    } catch (error) {
      // It fell behind, or the state was replaced as a whole: the new state is looked at instead.
      if (errorKind(error) !== "unavailable") throw error;
    }
  }
}
