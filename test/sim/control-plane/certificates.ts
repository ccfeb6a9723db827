import { createHash } from "node:crypto";
import { OperationError } from "../../../src/lib/errors.ts";
import type { Certificates, NodeCertificate } from "../../../src/ports/certificates.ts";
import type { ExternalSigner } from "../../../src/ports/external-signer.ts";

function noExternal(): never {
  throw new OperationError("unavailable", "there are no external CAs here");
}

/** Nothing is outside the simulation. */
export const noExternalSigner: ExternalSigner = { reach: async () => noExternal(), sign: async () => noExternal() };

/** The simulated twin of `system/certificates.ts`: says what a certificate says, in the open. */
export const simulatedCertificates: Certificates = {
  createRoot: async () => ({ certificatePem: "root", keyPem: "root key" }),
  checkRoot: root => root,
  crossSign: async ({ certificatePem }) => certificatePem,
  requestForRoot: async () => noExternal(),
  checkCrossSigned: noExternal,
  isForRequest: async () => noExternal(),
  issuerIn: certificatePem => ({ subject: certificatePem, publicKey: certificatePem }),
  createRequest: async () => ({ csrPem: "request", keyPem: "key" }),
  issue: async ({ nodeId, clusterId, role, nowMs, lifetimeMs, position }) => {
    const times = { notBeforeMs: nowMs, notAfterMs: nowMs + lifetimeMs };
    const certificate: NodeCertificate = { nodeId, clusterId, role, ...times, ...(position && { position }) };
    return JSON.stringify(certificate);
  },
  verify: (certificatePem, { nowMs }) => {
    const certificate = readSimulatedCertificate(certificatePem);
    if (nowMs > certificate.notAfterMs) throw new OperationError("unauthorized", "the certificate has expired");
    return certificate;
  },
  digest: certificatePem => createHash("sha256").update(certificatePem).digest(),
};

export function readSimulatedCertificate(certificatePem: string): NodeCertificate {
  return JSON.parse(certificatePem) as NodeCertificate;
}
