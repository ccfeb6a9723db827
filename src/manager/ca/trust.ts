import type { CertificateIssuer, Cluster } from "../../model/cluster.ts";
import type { CertificateWithKey } from "../../ports/certificates.ts";

type RootCa = Cluster["rootCa"];

/** What the cluster's nodes trust: both roots while one replaces the other. */
export function trustedRoots({ certificatePem, rotation }: RootCa): string {
  return certificatePem + (rotation?.certificatePem ?? "");
}

/** Who signs nodes' certificates now, and what stands behind each so that it leads to the present root. */
export function signerOf({ certificatePem, keyPem, rotation }: RootCa): {
  readonly root: CertificateWithKey;
  readonly behindPem: string;
} {
  if (rotation === undefined) return { root: { certificatePem, keyPem }, behindPem: "" };
  const { crossSignedPem, ...root } = rotation;
  return { root, behindPem: crossSignedPem };
}

/** In PEM, each with one line break at its end; what stands around them is left out. */
export function certificatesIn(text: string): string {
  return (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(pem => `${pem}\n`).join("");
}

export function isSameIssuer(a: CertificateIssuer, b: CertificateIssuer): boolean {
  return a.subject === b.subject && a.publicKey === b.publicKey;
}
