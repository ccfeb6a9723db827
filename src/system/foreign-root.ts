import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { OperationError } from "../lib/errors.ts";
import type { CertificateWithKey } from "../ports/certificates.ts";
import { isSignedBy, parseCertificates } from "./certificate-chain.ts";

/** A root is good for a year at least. */
const LIFE_MIN_MS = 365 * 24 * 3600 * 1000;
const RSA_BITS_MIN = 2048;
const CURVES = ["prime256v1", "secp384r1", "secp521r1"];

/** @see Certificates.checkRoot. The words are SwarmKit's. */
export function checkRoot(root: CertificateWithKey, { nowMs }: { readonly nowMs: number }): CertificateWithKey {
  const roots = parseRoots(root.certificatePem);
  for (const each of roots) checkTime(each, nowMs);
  const [first] = roots;
  if (root.keyPem !== "") checkKey(first, parseKey(root.keyPem));
  if (roots.length > 1) throw invalid("the desired CA certificate cannot contain multiple certificates");
  if (Date.parse(first.validTo) < nowMs + LIFE_MIN_MS) throw invalid("CA certificate expires too soon");
  if (!first.ca) {
    throw new OperationError("internal", "unable to generate a cross-signed certificate for root rotation");
  }
  // Docker takes one that another signed; TLS here would not take it for the end of a chain.
  if (!isSignedBy(first, first)) throw unusable("x509: certificate signed by unknown authority");
  return root;
}

function parseRoots(pem: string): readonly [X509Certificate, ...X509Certificate[]] {
  try {
    return parseCertificates(pem);
  } catch (cause) {
    throw invalid(`invalid root certificates: ${cfsslError(1003, "Failed to parse certificate")}`, cause);
  }
}

function checkTime({ validFrom, validTo }: X509Certificate, nowMs: number): void {
  const [now, from, to] = [nowMs, Date.parse(validFrom), Date.parse(validTo)].map(
    ms => `${new Date(ms).toISOString().slice(0, -5)}Z`,
  );
  const expired = "x509: certificate has expired or is not yet valid: current time";
  if (nowMs < Date.parse(validFrom)) throw unusable(`${expired} ${now} is before ${from}`);
  if (nowMs > Date.parse(validTo)) throw unusable(`${expired} ${now} is after ${to}`);
}

function parseKey(keyPem: string): KeyObject {
  try {
    return createPrivateKey(keyPem);
  } catch (cause) {
    const isPem = /-----BEGIN [^-]+-----/.test(keyPem);
    const reason = isPem ? cfsslError(2003, "Failed to parse private key") : cfsslError(2002, "Failed to decode private key");
    throw invalid(`malformed private key: ${reason}`, cause);
  }
}

function checkKey(root: X509Certificate, key: KeyObject): void {
  if (!root.checkPrivateKey(key)) throw invalid("certificate key mismatch");
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa" && (details?.modulusLength ?? 0) >= RSA_BITS_MIN) return;
  if (type === "ec" && CURVES.includes(details?.namedCurve ?? "")) return;
  const known = `RSA of ${RSA_BITS_MIN} bits or more, or one of the curves P-256, P-384, P-521`;
  throw invalid(`unsupported private key of type ${type}: ${known}`);
}

/** Errors of the library that SwarmKit signs with. */
function cfsslError(code: number, message: string): string {
  return JSON.stringify({ code, message });
}

function unusable(reason: string): OperationError {
  return invalid(`error while validating Root CA Certificate: ${reason}`);
}

function invalid(message: string, cause?: unknown): OperationError {
  return new OperationError("invalid", message, cause === undefined ? {} : { cause });
}
