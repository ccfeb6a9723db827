import { OperationError } from "../../lib/errors.ts";
import type { Cluster, ClusterSpec } from "../../model/cluster.ts";
import { UNLOCK_KEY_BYTES, type UnlockKey } from "../../model/unlock-key.ts";
import { formatJoinToken } from "../../model/join-token.ts";
import type { ControlRequest } from "../../model/control.ts";
import type { Certificates } from "../../ports/certificates.ts";
import type { Random } from "../../ports/random.ts";
import type { ExternalSigner } from "../../ports/external-signer.ts";
import { checkExternalCas } from "../ca/external.ts";
import { wantedRootCa } from "../ca/rotation.ts";
import { rpcError } from "../rpc-error.ts";
import type { Snapshot } from "../store/snapshot.ts";
import { checkVersion, type PlanMutation } from "./mutations.ts";

const HOUR_NS = 3600e9;
const SECRET_BYTES = 16;

/** @throws OperationError `unavailable` before the first entry has been applied here. */
export function theCluster(view: Snapshot): Cluster {
  const [cluster] = view.all("cluster");
  if (cluster === undefined) throw new OperationError("unavailable", "the cluster's state is not here yet");
  return cluster;
}

/** The cluster without its roots' keys and the unlock key: no answer that tells of the cluster holds those. */
export function withoutKeys(cluster: Cluster): Cluster {
  const { unlockKey: _, ...shown } = cluster;
  const { rotation } = cluster.rootCa;
  return {
    ...shown,
    rootCa: { ...cluster.rootCa, keyPem: "", ...(rotation === undefined ? {} : { rotation: { ...rotation, keyPem: "" } }) },
  };
}

/** What managers are unlocked with, as of this version of the cluster. */
export function unlockKeyOf({ version, unlockKey: key }: Cluster): UnlockKey {
  return { version, ...(key && { key }) };
}

/** A new token for the same root. */
export function newJoinToken(
  certificatePem: string,
  { certificates, random }: { readonly certificates: Certificates; readonly random: Random },
): string {
  return formatJoinToken({ rootDigest: certificates.digest(certificatePem), secret: random.bytes(SECRET_BYTES) });
}

type UpdateCluster = Extract<ControlRequest, { readonly kind: "update-cluster" }>;

/** Keys are made and used before the change is planned: planning waits for nothing. */
export async function prepareClusterUpdate(
  request: UpdateCluster,
  {
    view,
    ...sources
  }: {
    readonly view: Snapshot;
    readonly certificates: Certificates;
    readonly external: ExternalSigner;
    readonly random: Random;
    readonly nowMs: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<PlanMutation> {
  const cluster = theCluster(view);
  checkClusterSpec(request.spec, cluster);
  checkExternalCas(request.spec.externalCas);
  const rootCa = await wantedRootCa(cluster, request, sources);
  return updateCluster(request, { ...sources, basedOn: cluster.version, rootCa });
}

function updateCluster(
  { version, spec, rotateWorkerToken, rotateManagerToken, rotateUnlockKey }: UpdateCluster,
  sources: {
    readonly certificates: Certificates;
    readonly random: Random;
    readonly basedOn: number;
    readonly rootCa: Cluster["rootCa"];
  },
): PlanMutation {
  return view => {
    const cluster = theCluster(view);
    checkClusterSpec(spec, cluster);
    checkVersion(cluster, version);
    checkVersion({ version: cluster.version }, sources.basedOn); // The root too is as it was when the next was made of it.
    const { certificatePem } = cluster.rootCa;
    const rootCa = {
      ...sources.rootCa,
      ...(rotateWorkerToken ? { joinTokenWorker: newJoinToken(certificatePem, sources) } : {}),
      ...(rotateManagerToken ? { joinTokenManager: newJoinToken(certificatePem, sources) } : {}),
    };
    const { unlockKey: before, ...rest } = cluster;
    const unlockKey = nextUnlockKey(before, { isWanted: spec.autoLockManagers, isRotated: rotateUnlockKey, ...sources });
    const object = { ...rest, spec, rootCa, ...(unlockKey && { unlockKey }) };
    const change = { kind: "put", table: "cluster", object, basedOn: cluster.version } as const;
    return { changes: [change], response: { kind: "done" } };
  };
}

/** Made when managers are first to be locked, and gone when they are not any more: the next is another one. */
function nextUnlockKey(
  before: Uint8Array | undefined,
  { isWanted, isRotated, random }: { readonly isWanted: boolean; readonly isRotated: boolean; readonly random: Random },
): Uint8Array | undefined {
  if (!isWanted) return undefined;
  return before === undefined || isRotated ? random.bytes(UNLOCK_KEY_BYTES) : before;
}

function checkClusterSpec(spec: ClusterSpec, cluster: Cluster): void {
  if (spec.nodeCertExpiryNs < HOUR_NS) throw rpcError("InvalidArgument", "minimum certificate expiry time is: 1h0m0s");
  if (spec.heartbeatPeriodNs < 0) {
    throw rpcError("InvalidArgument", "heartbeat time period cannot be a negative duration");
  }
  if (spec.name !== cluster.spec.name) {
    throw new OperationError("invalid", `swarm spec must be named ${JSON.stringify(cluster.spec.name)}`);
  }
}
