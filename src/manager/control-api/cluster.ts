import { OperationError } from "../../lib/errors.ts";
import type { Cluster, ClusterSpec } from "../../model/cluster.ts";
import { formatJoinToken } from "../../model/join-token.ts";
import type { Certificates } from "../../ports/certificates.ts";
import type { Random } from "../../ports/random.ts";
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

/** The cluster without its root key: no answer to a user ever holds that. */
export function withoutKey(cluster: Cluster): Cluster {
  return { ...cluster, rootCa: { ...cluster.rootCa, keyPem: "" } };
}

/** A new token for the same root. */
export function newJoinToken(
  certificatePem: string,
  { certificates, random }: { readonly certificates: Certificates; readonly random: Random },
): string {
  return formatJoinToken({ rootDigest: certificates.digest(certificatePem), secret: random.bytes(SECRET_BYTES) });
}

export function updateCluster(
  request: {
    readonly version: number;
    readonly spec: ClusterSpec;
    readonly rotateWorkerToken: boolean;
    readonly rotateManagerToken: boolean;
  },
  sources: { readonly certificates: Certificates; readonly random: Random },
): PlanMutation {
  const { version, spec, rotateWorkerToken, rotateManagerToken } = request;
  return view => {
    const cluster = theCluster(view);
    checkClusterSpec(spec, cluster);
    checkVersion(cluster, version);
    const { certificatePem } = cluster.rootCa;
    const rootCa = {
      ...cluster.rootCa,
      ...(rotateWorkerToken ? { joinTokenWorker: newJoinToken(certificatePem, sources) } : {}),
      ...(rotateManagerToken ? { joinTokenManager: newJoinToken(certificatePem, sources) } : {}),
    };
    const change = { kind: "put", table: "cluster", object: { ...cluster, spec, rootCa }, basedOn: cluster.version } as const;
    return { changes: [change], response: { kind: "done" } };
  };
}

function checkClusterSpec(spec: ClusterSpec, cluster: Cluster): void {
  if (spec.nodeCertExpiryNs < HOUR_NS) throw rpcError("InvalidArgument", "minimum certificate expiry time is: 1h0m0s");
  if (spec.heartbeatPeriodNs < 0) {
    throw rpcError("InvalidArgument", "heartbeat time period cannot be a negative duration");
  }
  if (spec.autoLockManagers) {
    throw rpcError("InvalidArgument", "locking managers (--autolock) is not supported by this engine yet");
  }
  if (spec.name !== cluster.spec.name) throw rpcError("InvalidArgument", "modification of cluster name is not allowed");
}
