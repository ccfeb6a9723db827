import { createHash, createPrivateKey, webcrypto, type X509Certificate } from "node:crypto";
import { OperationError } from "../lib/errors.ts";
import { positionIn, positionText } from "../model/history-position.ts";
import { asId } from "../model/ids.ts";
import { ROLE_UNITS } from "../model/node-roles.ts";
import type { Certificates, CertificateWithKey, IssueRequest, NodeCertificate } from "../ports/certificates.ts";
import { isValid, issuerIn, leadsToRoot, parseCertificates } from "./certificate-chain.ts";
import { checkRoot } from "./foreign-root.ts";
import { checkCrossSigned, rootNames } from "./cross-signed.ts";

const YEAR_MS = 365 * 24 * 3600 * 1000;
const ROOT_LIFETIME_MS = 20 * YEAR_MS;
/** Certificates count as valid from an hour before they are made: clocks differ. */
const CLOCK_SKEW_MS = 3600 * 1000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** OpenSSL's names of curves, and webcrypto's. */
const CURVE_NAMES: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };
/** X.520's `serialNumber`, a name's part: not the serial number of the certificate. */
const POSITION_ATTRIBUTE = "2.5.4.5";

type X509 = typeof import("@peculiar/x509");

/** Loaded when first needed: 80 ms that a worker pays once, at its join. */
async function library() {
  await import("reflect-metadata");
  // A bundle holds the CommonJS build, whose exports are all under `default`.
  const loaded: X509 & { readonly default?: X509 } = await import("@peculiar/x509");
  const x509 = loaded.default ?? loaded;
  x509.cryptoProvider.set(webcrypto as never); // The types differ in DOM names only.
  return x509;
}

export const systemCertificates: Certificates = {
  async createRoot({ nowMs }) {
    const x509 = await library();
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: "CN=swarm-ca",
      serialNumber: serialNumber(),
      notBefore: new Date(nowMs - CLOCK_SKEW_MS),
      notAfter: new Date(nowMs + ROOT_LIFETIME_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return { certificatePem: `${certificate.toString("pem")}\n`, keyPem: await privatePem(keys.privateKey) };
  },

  async createRequest() {
    const x509 = await library();
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: "CN=swarm-node",
      keys,
      signingAlgorithm: ALGORITHM,
    });
    return { csrPem: `${request.toString("pem")}\n`, keyPem: await privatePem(keys.privateKey) };
  },

  async issue({ csrPem, root, nodeId, clusterId, role, nowMs, lifetimeMs, position }: IssueRequest) {
    const x509 = await library();
    const request = await parseRequest(csrPem);
    const issuer = new x509.X509Certificate(root.certificatePem);
    const { key: signingKey, algorithm: signingAlgorithm } = await signer(root);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [
        { O: [clusterId] },
        { OU: [ROLE_UNITS[role]] },
        { CN: [nodeId] },
        ...(position === undefined ? [] : [{ [POSITION_ATTRIBUTE]: [positionText(position)] }]),
      ],
      issuer: issuer.subjectName,
      notBefore: new Date(nowMs - CLOCK_SKEW_MS),
      notAfter: new Date(nowMs + lifetimeMs),
      ...{ signingAlgorithm, signingKey, publicKey: request.publicKey },
      extensions: [
        ...keyIdentifiers(x509, { issuer }),
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension([
          { type: "dns", value: ROLE_UNITS[role] },
          { type: "dns", value: nodeId },
        ]),
      ],
    });
    return `${certificate.toString("pem")}\n`;
  },

  checkRoot,

  async crossSign({ root, certificatePem, nowMs }) {
    const x509 = await library();
    const [issuer, subject] = [root.certificatePem, certificatePem].map(pem => new x509.X509Certificate(pem));
    if (issuer === undefined || subject === undefined) throw new TypeError("two certificates");
    const { key: signingKey, algorithm: signingAlgorithm } = await signer(root);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: subject.subjectName,
      issuer: issuer.subjectName,
      notBefore: new Date(nowMs - CLOCK_SKEW_MS),
      notAfter: issuer.notAfter < subject.notAfter ? issuer.notAfter : subject.notAfter,
      ...{ signingAlgorithm, signingKey, publicKey: subject.publicKey },
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        ...keyIdentifiers(x509, { issuer, subject }),
      ],
    });
    return `${certificate.toString("pem")}\n`;
  },

  async requestForRoot(root) {
    const x509 = await library();
    if (root.keyPem === "") throw new OperationError("invalid", "no valid signer found");
    const certificate = new x509.X509Certificate(root.certificatePem);
    const { key: privateKey, algorithm } = await signer(root);
    const constraints = certificate.getExtension(x509.BasicConstraintsExtension);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: certificate.subjectName,
      keys: { privateKey, publicKey: await certificate.publicKey.export(algorithm, ["verify"]) },
      signingAlgorithm: algorithm,
      extensions: constraints === null ? [] : [constraints],
    });
    const basicConstraints = Buffer.from(new Uint8Array(constraints?.value ?? new ArrayBuffer(0))).toString("hex");
    return { csrPem: `${request.toString("pem")}\n`, ...rootNames(root.certificatePem), basicConstraints };
  },

  checkCrossSigned,

  async isForRequest(certificatePem, csrPem) {
    const x509 = await library();
    const [wanted, given] = [(await parseRequest(csrPem)).publicKey, new x509.X509Certificate(certificatePem).publicKey];
    return Buffer.from(wanted.rawData).equals(Buffer.from(given.rawData));
  },

  issuerIn,

  verify(certificatePem, { rootPem, nowMs }) {
    if (!leadsToRoot(certificatePem, { rootPem, nowMs })) {
      throw new OperationError("unauthorized", "certificate is not signed by this cluster's root");
    }
    const [certificate] = parseCertificates(certificatePem);
    const described = describeCertificate(certificate);
    if (!isValid(certificate, nowMs)) throw new OperationError("unauthorized", "certificate is not valid at this time");
    return described;
  },

  digest: certificatePem => createHash("sha256").update(certificatePem).digest(),
};

async function parseRequest(csrPem: string) {
  const x509 = await library();
  try {
    const request = new x509.Pkcs10CertificateRequest(csrPem);
    if (await request.verify()) return request;
  } catch (cause) {
    throw new OperationError("invalid", "malformed certificate request", { cause });
  }
  throw new OperationError("invalid", "certificate request is not signed by its own key");
}

/** What a certificate says, whether or not it is valid now. @throws OperationError `unauthorized` when it names no node. */
export function readCertificate(certificatePem: string): NodeCertificate {
  return describeCertificate(parseCertificates(certificatePem)[0]);
}

function describeCertificate(certificate: X509Certificate): NodeCertificate {
  const fields = new Map(
    certificate.subject.split("\n").map(line => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  const [nodeId, clusterId, unit] = [fields.get("CN"), fields.get("O"), fields.get("OU")];
  const role = unit === ROLE_UNITS.manager ? "manager" : unit === ROLE_UNITS.worker ? "worker" : undefined;
  if (nodeId === undefined || clusterId === undefined || role === undefined) {
    throw new OperationError("unauthorized", "certificate names no node of a cluster");
  }
  const position = positionIn(fields.get("serialNumber") ?? "");
  return {
    nodeId: asId(nodeId),
    clusterId: asId(clusterId),
    role,
    ...(position && { position }),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
  };
}

/** How a root signs. Ours have P-256; those made elsewhere may have other keys, in any form that OpenSSL reads. */
async function signer({ keyPem }: CertificateWithKey) {
  const key = createPrivateKey(keyPem);
  const curve = CURVE_NAMES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  const algorithm =
    curve === undefined
      ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
      : { name: "ECDSA", namedCurve: curve, hash: curve === "P-256" ? "SHA-256" : "SHA-384" };
  const der = key.export({ type: "pkcs8", format: "der" });
  return { key: await webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]), algorithm };
}

/** Two roots may have the same name (ours all do): whoever checks a certificate finds its issuer by the key. */
function keyIdentifiers(
  x509: X509,
  {
    issuer,
    subject,
  }: { readonly issuer: InstanceType<X509["X509Certificate"]>; readonly subject?: InstanceType<X509["X509Certificate"]> },
) {
  const keyIdOf = (certificate: typeof issuer) => certificate.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
  const [issuerId, subjectId] = [keyIdOf(issuer), subject && keyIdOf(subject)];
  return [
    ...(issuerId === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(issuerId)]),
    ...(subjectId === undefined ? [] : [new x509.SubjectKeyIdentifierExtension(subjectId)]),
  ];
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString("base64").replace(/(.{64})(?!$)/g, "$1\n")}\n-----END PRIVATE KEY-----\n`;
}

/** 20 bytes, positive. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(Buffer.alloc(20));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString("hex");
}
