import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

/** A certificate with its key, as files hold them. */
export interface Pem {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** An authority that signs what a test asks for. */
export class TestAuthority {
  readonly certificatePem: string;
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.certificatePem = certificate.toString("pem");
  }

  static async create(name: string): Promise<TestAuthority> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
      ...validity(HOUR_MS),
    });
    return new TestAuthority(certificate, keys);
  }

  /** @param options.endsInMs - Negative: it has expired. */
  async issue(name: string, options: { readonly use: "client" | "server"; readonly endsInMs?: number }): Promise<Pem> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new ExtendedKeyUsageExtension([options.use === "client" ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([
          { type: "dns", value: "localhost" },
          { type: "ip", value: "127.0.0.1" },
        ]),
      ],
      ...validity(options.endsInMs ?? HOUR_MS),
    });
    return { certificatePem: certificate.toString("pem"), keyPem: await keyPemOf(keys) };
  }
}

function validity(endsInMs: number) {
  return { notBefore: new Date(Date.now() - 2 * HOUR_MS), notAfter: new Date(Date.now() + endsInMs) };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function keyPemOf(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}
