import type { IncomingMessage, ServerResponse } from "node:http";
import { OperationError } from "../lib/errors.ts";
import { isJsonType, JSON_BYTES_MAX } from "./http/body.ts";
import type { RequestBody } from "./http/exchange.ts";

/** Who is asked about every request and every answer, beside the engine. */
export interface Authorizer {
  /** For one request; `undefined`: nobody is asked. */
  begin(): AuthorizerSession | undefined;
}

export interface AuthorizerSession {
  /** @throws OperationError `forbidden`. */
  authorizeRequest(request: AuthorizedRequest): Promise<void>;
  /** @throws OperationError `forbidden`. */
  authorizeResponse(request: AuthorizedRequest, response: AuthorizedResponse): Promise<void>;
}

export interface AuthorizedRequest {
  readonly method: string;
  /** As it was sent, query and version with it. */
  readonly uri: string;
  /** The name in the client's certificate, and `TLS`; both empty without one. */
  readonly user: string;
  readonly userMethod: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Exactly the bytes that the route reads; missing when the request is not JSON. */
  readonly body?: Uint8Array;
  /** PEM. */
  readonly peerCertificates: readonly string[];
}

export interface AuthorizedResponse {
  /** Missing: the request failed. */
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Missing when it is not JSON, or is sent as it comes. */
  readonly body?: Uint8Array;
}

/** Registry credentials are nobody's to see. */
const HIDDEN_HEADERS = new Set(["x-registry-auth", "x-registry-config", "host"]);

/**
 * Asks about a request. What is asked about is what the route will read: the body is taken in whole first.
 * @param path - Without version prefix.
 * @returns the request as it was asked about, and its body, still to be read.
 * @throws OperationError `forbidden` when it is denied, or is too large to be shown whole.
 */
export async function authorizeRequest(
  session: AuthorizerSession,
  { message, body, path }: { readonly message: IncomingMessage; readonly body: RequestBody; readonly path: string },
): Promise<{ readonly request: AuthorizedRequest; readonly body: RequestBody }> {
  const hasShownBody = isJsonType(message.headers["content-type"]) && path !== "/auth";
  const bytes = hasShownBody ? await readWhole(body) : undefined;
  const request: AuthorizedRequest = {
    method: message.method ?? "GET",
    uri: message.url ?? "/",
    ...peerOf(message),
    headers: headersOf(message.rawHeaders),
    ...(bytes === undefined ? {} : { body: bytes }),
  };
  await session.authorizeRequest(request);
  return { request, body: bytes === undefined ? body : { length: body.length, stream: once(bytes) } };
}

/** Headers that are set on a response which is not sent yet. */
export function responseHeaders(response: ServerResponse): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [canonical(name), String(value)]));
}

async function readWhole({ stream }: RequestBody): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > JSON_BYTES_MAX) {
      throw new OperationError(
        "forbidden",
        `authorization denied: the body is larger than the ${JSON_BYTES_MAX} bytes that plugins are shown`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}

function headersOf(raw: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (!HIDDEN_HEADERS.has(name.toLowerCase())) headers[canonical(name)] = raw[index + 1] ?? "";
  }
  return headers;
}

/** `content-type` as Go writes it: `Content-Type`. */
function canonical(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase());
}

interface PeerCertificate {
  readonly subject?: { readonly CN?: string | string[] };
  readonly raw?: Buffer;
}

function peerOf({ socket }: IncomingMessage): Pick<AuthorizedRequest, "user" | "userMethod" | "peerCertificates"> {
  const nobody = { user: "", userMethod: "", peerCertificates: [] };
  if (!("getPeerCertificate" in socket) || typeof socket.getPeerCertificate !== "function") return nobody;
  const { subject, raw } = (socket.getPeerCertificate as () => PeerCertificate)();
  if (raw === undefined) return nobody;
  const name = subject?.CN ?? "";
  const lines = raw.toString("base64").match(/.{1,64}/g) ?? [];
  const pem = `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  return { user: typeof name === "string" ? name : (name[0] ?? ""), userMethod: "TLS", peerCertificates: [pem] };
}
