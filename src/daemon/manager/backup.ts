import { OperationError } from "../../lib/errors.ts";
import type { Store } from "../../manager/store/store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Consensus } from "../../ports/consensus.ts";
import type { Random } from "../../ports/random.ts";
import { writeBackup } from "../swarm/backup-file.ts";

/** The cluster's state as a file, no older than the call; sealed with the unlock key where managers are locked. */
export async function* clusterBackup(
  {
    store,
    consensus,
    clock,
    random,
  }: {
    readonly store: Pick<Store, "view" | "snapshot">;
    readonly consensus: Pick<Consensus, "readBarrier">;
    readonly clock: Clock;
    readonly random: Random;
  },
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  await consensus.readBarrier({ signal });
  // Both of one state: nothing is awaited between them.
  const [cluster] = store.view().all("cluster");
  const chunks = store.snapshot();
  if (cluster === undefined) throw new OperationError("unavailable", "the cluster's state is not here yet");
  const { id: clusterId, unlockKey } = cluster;
  yield* writeBackup(chunks, { clusterId, createdAtMs: clock.nowMs(), unlockKey, random });
}
