import { request } from "node:https";
import { connect } from "node:tls";
import { errorMessage, OperationError } from "../lib/errors.ts";
import { AUTHORITY_NAME, ROLE_UNITS } from "../model/node-roles.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import type { Clock } from "../ports/clock.ts";
import type { ExternalCall, ExternalRequest, ExternalSigner } from "../ports/external-signer.ts";

/** Each address gets so long to answer. @see SwarmKit ca/external.go */
const ANSWER_MS = 5_000;
/** No certificate with its JSON around it is as long. */
const ANSWER_BYTES_MAX = 256 * 1024;
const HTTPS_PORT = 443;
/** Of signers that may sign other authorities, by cfssl's configuration. */
const CROSS_SIGN_PROFILE = "CA";
const BASIC_CONSTRAINTS = "2.5.29.19";

/** Signers with cfssl's API, as a manager calls them: with its own certificate. */
export class CfsslSigner implements ExternalSigner {
  readonly #identity: () => NodeIdentity;
  readonly #clock: Clock;

  constructor({ identity, clock }: { readonly identity: () => NodeIdentity; readonly clock: Clock }) {
    this.#identity = identity;
    this.#clock = clock;
  }

  async reach(url: string, call: ExternalCall): Promise<void> {
    const { hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, "");
    const signal = this.#deadline(call);
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host, port: Number(port || HTTPS_PORT), servername: serverName(host), ...this.#tls(call) });
      const abort = (): void => void socket.destroy(signal.reason as Error);
      signal.addEventListener("abort", abort, { once: true });
      const reached = (): void => {
        resolve();
        socket.destroy(); // Nothing is asked of it.
      };
      socket.once("secureConnect", reached).once("error", reject);
      socket.once("close", () => reject(new Error("the connection was closed")));
    }).catch((cause: unknown) => {
      throw new OperationError("unavailable", `external CA ${url} cannot be reached: ${errorMessage(cause)}`, { cause });
    });
  }

  async sign(url: string, asked: ExternalRequest, call: ExternalCall): Promise<string> {
    const { status, body } = await this.#post(url, JSON.stringify(cfsslRequest(asked)), call);
    if (status !== 200)
      throw new OperationError("unavailable", `unexpected status code in CSR response: ${status} - ${body.slice(0, 1_000)}`);
    return certificateIn(parsed(body));
  }

  async #post(url: string, body: string, call: ExternalCall): Promise<{ readonly status: number; readonly body: string }> {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const signal = this.#deadline(call);
    try {
      return await new Promise((resolve, reject) => {
        const sent = request(url, { method: "POST", headers, agent: false, signal, ...this.#tls(call) }, response => {
          const chunks: Buffer[] = [];
          let length = 0;
          response.on("data", (chunk: Buffer) => {
            length += chunk.length;
            if (length > ANSWER_BYTES_MAX) response.destroy(new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`));
            else chunks.push(chunk);
          });
          response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
          response.on("error", reject);
        });
        sent.on("error", reject);
        sent.end(body);
      });
    } catch (cause) {
      const reason = signal.aborted ? signal.reason : cause;
      throw new OperationError("unavailable", `unable to perform certificate signing request: ${errorMessage(reason)}`, {
        cause,
      });
    }
  }

  #deadline({ signal }: ExternalCall): AbortSignal {
    const timeout = this.#clock.timeout(ANSWER_MS);
    return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  }

  #tls({ rootPem }: ExternalCall) {
    const { certificatePem: cert, keyPem: key } = this.#identity();
    return { cert, key, ca: rootPem, minVersion: "TLSv1.2" } as const;
  }
}

/** None is sent for an address. */
function serverName(host: string): string {
  return /^[\d.]+$/.test(host) || host.includes(":") ? "" : host;
}

/** @see cfssl signer/signer.go, SignRequest */
function cfsslRequest(asked: ExternalRequest): object {
  const rest = { crl_override: "", label: "" };
  if (asked.kind === "root") {
    const { csrPem, commonName, names, basicConstraints } = asked.request;
    return {
      hosts: null,
      certificate_request: csrPem,
      subject: { CN: commonName, names: names.map(([key, value]) => ({ [key]: value })) },
      profile: CROSS_SIGN_PROFILE,
      ...rest,
      extensions: [{ id: BASIC_CONSTRAINTS, critical: true, value: basicConstraints }],
    };
  }
  const { csrPem, nodeId, clusterId, role } = asked;
  const unit = ROLE_UNITS[role];
  return {
    hosts: [unit, nodeId, ...(role === "manager" ? [AUTHORITY_NAME] : [])],
    certificate_request: csrPem,
    subject: { CN: nodeId, names: [{ O: clusterId, OU: unit }] },
    profile: "",
    ...rest,
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new OperationError("unavailable", `unable to parse JSON response: ${errorMessage(cause)}`, { cause });
  }
}

interface CfsslResponse {
  readonly success?: unknown;
  readonly result?: { readonly certificate?: unknown } | null;
  readonly errors?: readonly { readonly code?: unknown; readonly message?: unknown }[];
}

function certificateIn(answer: unknown): string {
  const { success, result, errors } = (typeof answer === "object" && answer !== null ? answer : {}) as CfsslResponse;
  if (success !== true || result === undefined || result === null) {
    const told = Array.isArray(errors) ? errors.map(({ code, message }) => `{${String(code)} ${String(message)}}`) : [];
    const what = told.length === 0 ? "certificate signing request failed" : `response errors: [${told.join(" ")}]`;
    throw new OperationError("internal", what);
  }
  if (typeof result.certificate !== "string")
    throw new OperationError("internal", `invalid result certificate field type: ${typeof result.certificate}`);
  return result.certificate;
}
