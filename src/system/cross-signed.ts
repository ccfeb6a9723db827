import { OperationError } from "../lib/errors.ts";
import { leadsToRoot, parseCertificates } from "./certificate-chain.ts";
import { namesInCertificate } from "./der.ts";

/** @see Certificates.checkCrossSigned */
export function checkCrossSigned(
  crossSignedPem: string,
  { certificatePem, rootPem, nowMs }: { readonly certificatePem: string; readonly rootPem: string; readonly nowMs: number },
): void {
  const [signed] = parseCertificates(crossSignedPem);
  const [given, wanted] = [signed, parseCertificates(certificatePem)[0]].map(({ raw }) => namesInCertificate(raw));
  const isSame =
    given?.publicKey.equals(wanted?.publicKey ?? Buffer.alloc(0)) && given.subject.equals(wanted?.subject ?? Buffer.alloc(0));
  const fail = (what: string) => new OperationError("internal", `the external CA's certificate for the next root ${what}`);
  if (isSame !== true) throw fail("has another name or key");
  if (!signed.ca) throw fail("may not sign others");
  if (!leadsToRoot(crossSignedPem, { rootPem, nowMs })) throw fail("does not lead to the present root");
}

/** The name of a root, in parts. */
export function rootNames(certificatePem: string): {
  readonly commonName: string;
  readonly names: readonly (readonly [string, string])[];
} {
  const lines = parseCertificates(certificatePem)[0].subject.split("\n");
  const parts = lines.map(line => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
  return {
    commonName: parts.find(([key]) => key === "CN")?.[1] ?? "",
    names: parts.filter(([key]) => ["C", "ST", "L", "O", "OU"].includes(key)),
  };
}
