import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";
import type { Cluster, ExternalCa, NodeRole } from "../../model/cluster.ts";
import { problemOfExternalCa } from "../../model/external-ca.ts";
import type { ClusterId, NodeId } from "../../model/ids.ts";
import type { Certificates } from "../../ports/certificates.ts";
import type { ExternalSigner } from "../../ports/external-signer.ts";
import { rpcError } from "../rpc-error.ts";
import { certificatesIn, signerOf, trustedRoots } from "./trust.ts";

/** Where to ask for certificates of a root. */
export function externalUrls(
  cas: readonly ExternalCa[] | undefined,
  { rootPem, presentPem }: { readonly rootPem: string; readonly presentPem: string },
): readonly string[] {
  const wanted = certificatesIn(rootPem);
  const signsFor = ({ certificatePem }: ExternalCa) => certificatesIn(certificatePem === "" ? presentPem : certificatePem);
  return (cas ?? []).filter(ca => signsFor(ca) === wanted).map(({ url }) => url);
}

export interface ExternalSource {
  readonly external: ExternalSigner;
  readonly signal?: AbortSignal | undefined;
}

/** That all of them can be used. @throws OperationError `invalid` */
export function checkExternalCas(cas: readonly ExternalCa[] | undefined): void {
  for (const ca of cas ?? []) {
    const problem = problemOfExternalCa(ca);
    if (problem !== undefined) throw rpcError("InvalidArgument", problem);
  }
}

/** @throws OperationError `invalid`, in Docker's words, when none of them answers. @param what - Which root's they are to be. */
export async function requireReachable(
  urls: readonly string[],
  {
    rootPem,
    what,
    external,
    signal,
  }: ExternalSource & { readonly rootPem: string; readonly what: "current" | "next" | "desired" },
): Promise<void> {
  const causes: unknown[] = [];
  for (const url of urls) {
    try {
      await external.reach(url, { rootPem, signal });
      return;
    } catch (error) {
      signal?.throwIfAborted();
      causes.push(error);
    }
  }
  const need = `there must be at least one valid, reachable external CA corresponding to the ${what} CA certificate`;
  throw rpcError("InvalidArgument", need, { cause: causes.at(-1) });
}

export interface ExternallySigned {
  readonly csrPem: string;
  readonly nodeId: NodeId;
  readonly role: NodeRole;
}

/**
 * A node's certificate by whoever signs for the cluster, with what has to stand behind it; `undefined` when nobody but the managers does.
 * The addresses are tried one after another. What they give is looked at before a node has it.
 * @throws OperationError when none gave a certificate of this node for its key, that leads to the cluster's root.
 */
export async function signExternally(
  asked: ExternallySigned,
  {
    cluster,
    certificates,
    nowMs,
    ...source
  }: ExternalSource & { readonly cluster: Cluster; readonly certificates: Certificates; readonly nowMs: number },
): Promise<string | undefined> {
  const { id: clusterId, rootCa, spec } = cluster;
  const { root, behindPem } = signerOf(rootCa);
  const urls = externalUrls(spec.externalCas, { rootPem: root.certificatePem, presentPem: rootCa.certificatePem });
  const rootPem = trustedRoots(rootCa);
  let failure: unknown;
  for (const url of urls) {
    try {
      const given = await source.external.sign(url, { kind: "node", ...asked, clusterId }, { rootPem, signal: source.signal });
      const certificatePem = certificatesIn(given) + behindPem;
      await checkGiven(certificatePem, asked, { clusterId, rootPem, certificates, nowMs });
      return certificatePem;
    } catch (error) {
      source.signal?.throwIfAborted();
      failure = error;
    }
  }
  if (failure === undefined) return undefined;
  const kind = errorKind(failure) === "unavailable" ? "unavailable" : "internal";
  throw new OperationError(kind, `failed to sign CSR: ${errorMessage(failure)}`, { cause: failure });
}

async function checkGiven(
  certificatePem: string,
  { csrPem, nodeId, role }: ExternallySigned,
  {
    clusterId,
    rootPem,
    certificates,
    nowMs,
  }: { readonly clusterId: ClusterId; readonly rootPem: string; readonly certificates: Certificates; readonly nowMs: number },
): Promise<void> {
  const named = certificates.verify(certificatePem, { rootPem, nowMs });
  if (named.nodeId !== nodeId || named.role !== role || named.clusterId !== clusterId)
    throw new OperationError("internal", "the external CA gave a certificate of another node");
  if (!(await certificates.isForRequest(certificatePem, csrPem)))
    throw new OperationError("internal", "the external CA gave a certificate for another key");
}
