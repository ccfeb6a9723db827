import { X509Certificate } from "node:crypto";
import { OperationError } from "../lib/errors.ts";
import type { CertificateIssuer, NodeTls } from "../model/cluster.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import { namesInCertificate } from "./der.ts";

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** A node's certificate, and the next root signed by the present one. */
const CHAIN_MAX = 3;

/** The certificates in a PEM text, in order. @throws OperationError `unauthorized` when there is none, or one is malformed. */
export function parseCertificates(pem: string): readonly [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...rest] = (pem.match(PEM) ?? [pem]).map(text => new X509Certificate(text));
    if (first === undefined) throw new TypeError("no certificate");
    return [first, ...rest];
  } catch (cause) {
    throw new OperationError("unauthorized", "malformed certificate", { cause });
  }
}

export function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** Whether the first of a chain leads to a root, over those behind it. All must be valid at that time. */
export function leadsToRoot(chainPem: string, { rootPem, nowMs }: { readonly rootPem: string; readonly nowMs: number }): boolean {
  const [leaf, ...between] = parseCertificates(chainPem);
  const roots = parseCertificates(rootPem);
  let last = leaf;
  for (let step = 0; step < CHAIN_MAX; step++) {
    const certificate = last;
    if (roots.some(root => isSignedBy(certificate, root))) return true;
    const next = between.find(each => each.ca && isSignedBy(certificate, each) && isValid(each, nowMs));
    if (next === undefined) return false;
    last = next;
  }
  return false;
}

export function isValid({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return nowMs >= Date.parse(validFrom) && nowMs <= Date.parse(validTo);
}

export function issuerIn(certificatePem: string): CertificateIssuer {
  const { subject, publicKey } = namesInCertificate(parseCertificates(certificatePem)[0].raw);
  return { subject: subject.toString("base64"), publicKey: publicKey.toString("base64") };
}

/** What a node tells of its own certificate. */
export function tlsOf({ certificatePem, rootPem }: NodeIdentity): NodeTls {
  const [leaf, ...between] = parseCertificates(certificatePem);
  const signer = [...between, ...parseCertificates(rootPem)].find(each => isSignedBy(leaf, each));
  const subject = namesInCertificate(leaf.raw).issuer.toString("base64");
  const publicKey = signer === undefined ? "" : namesInCertificate(signer.raw).publicKey.toString("base64");
  return { trustRoot: rootPem, issuer: { subject, publicKey } };
}
