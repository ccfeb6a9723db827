import { OperationError } from "../../lib/errors.ts";
import type { Cluster } from "../../model/cluster.ts";
import type { Certificates } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import { newJoinToken } from "../control-api/cluster.ts";
import type { Proposals } from "../store/proposals.ts";
import type { Snapshot } from "../store/snapshot.ts";
import type { Store } from "../store/store.ts";
import { isSameIssuer } from "./trust.ts";

/** While nodes come with new certificates, they are looked through so often at most. */
const LOOK_MS = 250;

export interface RootRotationOptions {
  readonly store: Store;
  readonly propose: Proposals["propose"];
  readonly certificates: Certificates;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * On the leader, until aborted: when every node has a certificate of the next root, that becomes the root, with join tokens of
 * its own. A node that is away keeps the rotation open: it would know nobody any more.
 */
export async function runRootRotation(options: RootRotationOptions, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  const { store, clock } = options;
  const watch = store.watch({ signal });
  await finishRotation(options, signal);
  for await (const { ids } of watch) {
    if (!ids.has("cluster") && !ids.has("node")) continue;
    if (await finishRotation(options, signal)) continue;
    await clock.sleep(LOOK_MS, { signal });
    await finishRotation(options, signal);
  }
}

/** @returns whether nothing is left to do. */
async function finishRotation({ store, propose, log, ...sources }: RootRotationOptions, signal: AbortSignal): Promise<boolean> {
  const view = store.view();
  const [cluster] = view.all("cluster");
  if (cluster?.rootCa.rotation === undefined) return true;
  if (!haveAllRenewed(view, cluster)) return false;
  const rootCa = nextRootCa(cluster.rootCa, sources);
  const change = { kind: "put", table: "cluster", object: { ...cluster, rootCa }, basedOn: cluster.version } as const;
  const result = await propose({ changes: [change], reliesOn: [] }, { signal });
  if (result.kind === "refused") throw new OperationError("unavailable", result.message);
  log.info({}, "the cluster's root certificate was replaced");
  return true;
}

export function haveAllRenewed(view: Snapshot, { rootCa: { issuer } }: Cluster): boolean {
  if (issuer === undefined) return false;
  for (const { description } of view.all("node")) {
    if (description?.tls === undefined || !isSameIssuer(description.tls.issuer, issuer)) return false;
  }
  return true;
}

function nextRootCa(
  { rotation, ...present }: Cluster["rootCa"],
  sources: { readonly certificates: Certificates; readonly random: Random },
): Cluster["rootCa"] {
  if (rotation === undefined) return present;
  const { certificatePem, keyPem } = rotation;
  return {
    ...present,
    ...{ certificatePem, keyPem },
    joinTokenWorker: newJoinToken(certificatePem, sources),
    joinTokenManager: newJoinToken(certificatePem, sources),
  };
}
