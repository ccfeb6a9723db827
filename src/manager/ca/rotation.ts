import type { Cluster, ClusterSpec } from "../../model/cluster.ts";
import type { SigningCa } from "../../model/control.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { Certificates, CertificateWithKey } from "../../ports/certificates.ts";
import { rpcError } from "../rpc-error.ts";
import { externalUrls, requireReachable } from "./external.ts";
import type { ExternalSource } from "./external.ts";
import { certificatesIn } from "./trust.ts";

type RootCa = Cluster["rootCa"];

export interface WantedRoot {
  readonly spec: Pick<ClusterSpec, "forceRotate" | "externalCas">;
  readonly signingCa?: SigningCa;
}

interface Sources extends ExternalSource {
  readonly certificates: Certificates;
  readonly nowMs: number;
}

/**
 * The cluster's root as a request wants it: as it is, or on its way to another one. The present root signs the next one, so
 * a rotation that is under way is given up for a new one. Asking for the present root again ends a rotation.
 *
 * A root without a key here is an external CA's: whatever is asked for, one that signs for it has to answer.
 *
 * @throws OperationError `invalid`, in Docker's words, for a root that cannot be one.
 * @see SwarmKit manager/controlapi/ca_rotation.go
 */
export async function wantedRootCa({ rootCa, spec }: Cluster, wanted: WantedRoot, sources: Sources): Promise<RootCa> {
  const { keyPem = "" } = wanted.signingCa ?? {};
  const signingCa = { certificatePem: certificatesIn(wanted.signingCa?.certificatePem ?? ""), keyPem };
  if (signingCa.certificatePem === "" && signingCa.keyPem !== "") {
    throw rpcError("InvalidArgument", "if a signing CA key is provided, the signing CA cert must also be provided");
  }
  const { rotation, ...present } = rootCa;
  const isPresent = signingCa.certificatePem === present.certificatePem;
  const urlsOf = (rootPem: string) => externalUrls(wanted.spec.externalCas, { rootPem, presentPem: present.certificatePem });
  const need = (what: "current" | "next" | "desired", rootPem: string) =>
    requireReachable(urlsOf(rootPem), { ...sources, rootPem, what });
  const takesItsKey = isPresent && signingCa.keyPem !== "";
  if (present.keyPem === "" && !takesItsKey) await need("current", present.certificatePem);
  const rotate = (next: CertificateWithKey) => rotated(rootCa, next, { ...sources, urls: urlsOf(present.certificatePem) });
  if (signingCa.certificatePem === "") {
    if (wanted.spec.forceRotate !== spec.forceRotate) return await rotate(await sources.certificates.createRoot(sources));
    if (rotation?.keyPem === "") await need("next", rotation.certificatePem);
    return rootCa;
  }
  const next = checked(signingCa, sources);
  if (next.keyPem === "") await need("desired", next.certificatePem);
  if (isPresent) return { ...present, keyPem: next.keyPem, issuer: sources.certificates.issuerIn(next.certificatePem) };
  if (next.keyPem !== "" && next.keyPem === present.keyPem)
    throw rpcError("InvalidArgument", "Cannot update to a cert with an identical key");
  if (next.certificatePem === rotation?.certificatePem) return { ...rootCa, rotation: { ...rotation, keyPem: next.keyPem } };
  return await rotate(next);
}

function checked(root: CertificateWithKey, { certificates, nowMs }: Sources): CertificateWithKey {
  try {
    return certificates.checkRoot(root, { nowMs });
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw rpcError(error.kind === "internal" ? "Internal" : "InvalidArgument", error.message, { cause: error });
  }
}

async function rotated(
  rootCa: RootCa,
  next: CertificateWithKey,
  sources: Sources & { readonly urls: readonly string[] },
): Promise<RootCa> {
  const { certificates, nowMs } = sources;
  const { certificatePem } = next;
  if (rootCa.keyPem === "" && next.keyPem === "")
    throw rpcError("InvalidArgument", "rotating from one external CA to a different external CA is not supported");
  const crossSignedPem =
    rootCa.keyPem === ""
      ? await crossSignedOutside(rootCa, next, sources)
      : await certificates.crossSign({ root: rootCa, certificatePem, nowMs });
  return { ...rootCa, rotation: { ...next, crossSignedPem }, issuer: certificates.issuerIn(certificatePem) };
}

/** By whoever has the present root's key. */
async function crossSignedOutside(
  { certificatePem: rootPem }: RootCa,
  next: CertificateWithKey,
  { certificates, external, signal, nowMs, urls }: Sources & { readonly urls: readonly string[] },
): Promise<string> {
  const request = await certificates.requestForRoot(next);
  let failure: unknown;
  for (const url of urls) {
    try {
      const given = certificatesIn(await external.sign(url, { kind: "root", request }, { rootPem, signal }));
      certificates.checkCrossSigned(given, { certificatePem: next.certificatePem, rootPem, nowMs });
      return given;
    } catch (error) {
      signal?.throwIfAborted();
      failure = error;
    }
  }
  const what = "unable to generate a cross-signed certificate for root rotation";
  throw rpcError("Internal", `${what}: ${errorMessage(failure)}`, { cause: failure });
}
