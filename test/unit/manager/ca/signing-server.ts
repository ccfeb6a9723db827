import assert from "node:assert/strict";
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import * as x509 from "@peculiar/x509";
import { asId } from "../../../../src/model/ids.ts";
import type { CertificateWithKey } from "../../../../src/ports/certificates.ts";
import { systemCertificates as certificates } from "../../../../src/system/certificates.ts";

const HOUR_MS = 3_600_000;

export interface CfsslRequest {
  readonly hosts: readonly string[] | null;
  readonly certificate_request: string;
  readonly subject: { readonly CN: string; readonly names: readonly Readonly<Record<string, string>>[] };
  readonly profile: string;
  readonly extensions?: readonly { readonly id: string; readonly critical: boolean; readonly value: string }[];
}

/** What a signing server says in place of a certificate. */
export type Mood =
  | { readonly kind: "status"; readonly status: number; readonly body: string }
  | { readonly kind: "answer"; readonly answer: unknown }
  | { readonly kind: "silent" }
  /** Signs for this node, whatever was asked. */
  | { readonly kind: "other node"; readonly nodeId: string }
  /** Signs this request, whatever was asked. */
  | { readonly kind: "other key"; readonly csrPem: string };

/** A certificate authority with cfssl's API on loopback: real TLS with certificates on both sides, a root of its own. */
export class SigningServer implements AsyncDisposable {
  readonly asked: CfsslRequest[] = [];
  /** Names of those who asked, by their certificates. */
  readonly callers: string[] = [];
  mood: Mood | undefined;
  onSigned: (asked: CfsslRequest) => void = () => {};
  readonly #server: Server;
  readonly #root: CertificateWithKey;
  readonly #nowMs: () => number;

  private constructor(server: Server, root: CertificateWithKey, nowMs: () => number) {
    this.#server = server;
    this.#root = root;
    this.#nowMs = nowMs;
  }

  /**
   * @param root - What it signs with, and its own certificate is signed by.
   * @param options.callersPem - Roots of the managers that it lets in.
   * @param options.nowMs - When certificates begin; its own is good now.
   */
  static async listen(
    root: CertificateWithKey,
    { callersPem, nowMs = () => Date.now() }: { readonly callersPem: string; readonly nowMs?: () => number },
  ): Promise<SigningServer> {
    const { csrPem, keyPem } = await certificates.createRequest();
    // Node's certificates name a node, so the server is one: `localhost`.
    const named = { nodeId: asId<never>("localhost"), clusterId: asId<never>("ca"), role: "worker" as const };
    const cert = await certificates.issue({ csrPem, root, ...named, nowMs: Date.now(), lifetimeMs: HOUR_MS });
    const server = createServer({ cert, key: keyPem, ca: callersPem, requestCert: true, rejectUnauthorized: true });
    const signing = new SigningServer(server, root, nowMs);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        signing.callers.push(new X509Certificate((request.socket as TLSSocket).getPeerCertificate().raw).subject);
        void signing.#answer(JSON.parse(Buffer.concat(chunks).toString()) as CfsslRequest).then(answer => {
          if (answer === undefined) return;
          response.statusCode = answer.status;
          response.end(answer.body);
        });
      });
    });
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    return signing;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}/api/v1/cfssl/sign`;
  }

  async #answer(asked: CfsslRequest): Promise<{ readonly status: number; readonly body: string } | undefined> {
    this.asked.push(asked);
    const { mood } = this;
    if (mood?.kind === "silent") return undefined;
    if (mood?.kind === "status") return mood;
    if (mood?.kind === "answer") return { status: 200, body: JSON.stringify(mood.answer) };
    const certificate = await this.#sign(asked, mood);
    this.onSigned(asked);
    return { status: 200, body: JSON.stringify({ success: true, result: { certificate }, errors: [], messages: [] }) };
  }

  async #sign({ certificate_request, subject, profile, extensions }: CfsslRequest, mood: Mood | undefined): Promise<string> {
    const nowMs = this.#nowMs();
    if (profile === "CA") return this.#signAuthority(certificate_request, extensions, nowMs);
    const [names = {}] = subject.names;
    return certificates.issue({
      csrPem: mood?.kind === "other key" ? mood.csrPem : certificate_request,
      root: this.#root,
      nodeId: asId(mood?.kind === "other node" ? mood.nodeId : subject.CN),
      clusterId: asId(names["O"] ?? ""),
      role: names["OU"] === "swarm-manager" ? "manager" : "worker",
      ...{ nowMs, lifetimeMs: HOUR_MS },
    });
  }

  /** The name and key of another authority, with the extensions that come with the request, as cfssl does. */
  async #signAuthority(csrPem: string, extensions: CfsslRequest["extensions"] = [], nowMs: number): Promise<string> {
    const request = new x509.Pkcs10CertificateRequest(csrPem);
    assert.ok(await request.verify(), "the request is signed by its own key");
    const issuer = new x509.X509Certificate(this.#root.certificatePem);
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const der = createPrivateKey(this.#root.keyPem).export({ type: "pkcs8", format: "der" });
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: randomBytes(8).toString("hex"),
      ...{ subject: request.subject, issuer: issuer.subject, publicKey: request.publicKey },
      ...{ notBefore: new Date(nowMs - HOUR_MS), notAfter: new Date(nowMs + 90 * 24 * HOUR_MS) },
      signingAlgorithm: algorithm,
      signingKey: await webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]),
      extensions: extensions.map(({ id, critical, value }) => new x509.Extension(id, critical, Buffer.from(value, "hex"))),
    });
    return certificate.toString("pem");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
