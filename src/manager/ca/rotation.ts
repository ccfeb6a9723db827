import type { Cluster, ClusterSpec } from "../../model/cluster.ts";
import type { SigningCa } from "../../model/control.ts";
import { OperationError } from "../../lib/errors.ts";
import type { Certificates, CertificateWithKey } from "../../ports/certificates.ts";
import { rpcError } from "../rpc-error.ts";

type RootCa = Cluster["rootCa"];

export interface WantedRoot {
  readonly spec: Pick<ClusterSpec, "forceRotate">;
  readonly signingCa?: SigningCa;
}

/**
 * The cluster's root as a request wants it: as it is, or on its way to another one. The present root signs the next one, so
 * a rotation that is under way is given up for a new one. Asking for the present root again ends a rotation.
 *
 * @throws OperationError `invalid`, in Docker's words, for a root that cannot be one.
 * @see SwarmKit manager/controlapi/ca_rotation.go
 */
export async function wantedRootCa(
  { rootCa, spec }: Cluster,
  wanted: WantedRoot,
  { certificates, nowMs }: { readonly certificates: Certificates; readonly nowMs: number },
): Promise<RootCa> {
  const { keyPem = "" } = wanted.signingCa ?? {};
  const signingCa = { certificatePem: certificatesIn(wanted.signingCa?.certificatePem ?? ""), keyPem };
  if (signingCa.certificatePem === "") {
    if (signingCa.keyPem !== "") {
      throw rpcError("InvalidArgument", "if a signing CA key is provided, the signing CA cert must also be provided");
    }
    if (wanted.spec.forceRotate === spec.forceRotate) return rootCa;
    return await rotated(rootCa, await certificates.createRoot({ nowMs }), { certificates, nowMs });
  }
  const next = checked(signingCa, { certificates, nowMs });
  const { rotation, ...present } = rootCa;
  if (next.certificatePem === present.certificatePem) {
    return { ...present, keyPem: next.keyPem, issuer: certificates.issuerIn(next.certificatePem) };
  }
  if (next.certificatePem === rotation?.certificatePem) return { ...rootCa, rotation: { ...rotation, keyPem: next.keyPem } };
  return await rotated(rootCa, next, { certificates, nowMs });
}

/** In PEM, each with one line break at its end; what stands around them is left out. */
function certificatesIn(text: string): string {
  return (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(pem => `${pem}\n`).join("");
}

function checked(
  root: CertificateWithKey,
  { certificates, nowMs }: { readonly certificates: Certificates; readonly nowMs: number },
): CertificateWithKey {
  let tidy: CertificateWithKey;
  try {
    tidy = certificates.checkRoot(root, { nowMs });
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw rpcError(error.kind === "internal" ? "Internal" : "InvalidArgument", error.message, { cause: error });
  }
  if (tidy.keyPem !== "") return tidy;
  const need = "there must be at least one valid, reachable external CA corresponding to the next CA certificate";
  throw rpcError("InvalidArgument", need); // External CAs are refused where they are named.
}

async function rotated(
  rootCa: RootCa,
  next: CertificateWithKey,
  { certificates, nowMs }: { readonly certificates: Certificates; readonly nowMs: number },
): Promise<RootCa> {
  const crossSignedPem = await certificates.crossSign({ root: rootCa, certificatePem: next.certificatePem, nowMs });
  return { ...rootCa, rotation: { ...next, crossSignedPem }, issuer: certificates.issuerIn(next.certificatePem) };
}
