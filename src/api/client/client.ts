import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { createConnection, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { DaemonAddress } from "./address.ts";

/** The daemon answered with an error; the message is its own. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  /** An object is sent as JSON, an iterable as it is. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What stands before a message when a daemon cannot be reached, so that scripts can tell. */
const CANNOT_CONNECT = "Cannot connect to the Docker daemon at";

/** Calls to one daemon. Keeps no connection and no state. */
export class ApiClient {
  readonly #address: DaemonAddress;
  readonly #label: string;
  readonly #prefix: string;

  /** @param apiVersion - `1.50`: asks for the answers of that version; the daemon's newest without it. */
  constructor(address: DaemonAddress, { apiVersion }: { readonly apiVersion?: string | undefined } = {}) {
    this.#address = address;
    this.#prefix = apiVersion === undefined || apiVersion === "" ? "" : `/v${apiVersion}`;
    this.#label = address.kind === "unix" ? `unix://${address.path}` : `tcp://${address.host}:${address.port}`;
  }

  /** One JSON answer; `undefined` when it has no body. @throws ApiError unless the answer is 2xx or 304. */
  async json(method: string, path: string, options: CallOptions = {}): Promise<unknown> {
    const text = await this.text(method, path, options);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** A whole answer as it came. @throws ApiError unless the answer is 2xx or 304. */
  async text(method: string, path: string, options: CallOptions = {}): Promise<string> {
    return await readText(await this.stream(method, path, options));
  }

  /** An answer whose body is read as it comes. @throws ApiError unless the answer is 2xx or 304. */
  async stream(method: string, path: string, options: CallOptions = {}): Promise<IncomingMessage> {
    const outgoing = await this.#request(method, path, options, {});
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on("response", resolve);
      outgoing.on("error", error => reject(this.#unreachable(error)));
    });
    // Not waited for: a daemon may answer, with an error too, before it has read everything.
    const sent = sendBody(outgoing, options.body);
    sent.catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : new Error(String(error))));
    const response = await answer;
    const status = response.statusCode ?? 0;
    if ((status >= 200 && status < 300) || status === 304) return response;
    throw new ApiError(status, errorText(await readText(response), status));
  }

  /** Takes the connection over, for attach and exec: what is written goes to stdin, what is read is output, framed unless it is a terminal. */
  async hijack(path: string, options: CallOptions = {}): Promise<{ readonly socket: Duplex; readonly isMultiplexed: boolean }> {
    const outgoing = await this.#request("POST", path, options, { Connection: "Upgrade", Upgrade: "tcp" });
    return await new Promise((resolve, reject) => {
      outgoing.on("upgrade", (response, socket, head) => {
        if (head.byteLength > 0) socket.unshift(head);
        resolve({ socket, isMultiplexed: response.headers["content-type"] !== "application/vnd.docker.raw-stream" });
      });
      outgoing.on("response", response => {
        const status = response.statusCode ?? 0;
        readText(response).then(text => reject(new ApiError(status, errorText(text, status))), reject);
      });
      outgoing.on("error", error => reject(this.#unreachable(error)));
      sendBody(outgoing, options.body).catch(reject);
    });
  }

  /** A bare connection, open both ways until each side has closed its half. */
  async connect(): Promise<Duplex> {
    const address = this.#address;
    const socket = await openSocket(address);
    await new Promise<void>((resolve, reject) => {
      socket.once(address.kind === "tcp" && address.tls !== undefined ? "secureConnect" : "connect", resolve);
      socket.once("error", error => reject(this.#unreachable(error)));
    });
    return socket;
  }

  async #request(
    method: string,
    path: string,
    { query, body, contentType, headers: given, signal }: CallOptions,
    headers: Record<string, string>,
  ): Promise<ClientRequest> {
    const type = contentType ?? (isStreamed(body) ? "application/x-tar" : "application/json");
    const text = isStreamed(body) || body === undefined ? undefined : JSON.stringify(body);
    const options: RequestOptions = {
      method,
      path: this.#prefix + withQuery(path, query),
      headers: {
        Host: "docker",
        // Said to be kept, though it is not: a daemon that is told to close does so in the middle of what is still being sent, and
        // what it said before is lost with it.
        Connection: "keep-alive",
        ...(body === undefined ? {} : { "Content-Type": type }),
        ...(text === undefined ? {} : { "Content-Length": Buffer.byteLength(text) }),
        ...given,
        ...headers,
      },
      agent: false,
      ...(signal === undefined ? {} : { signal }),
    };
    const address = this.#address;
    if (address.kind === "unix") return httpRequest({ ...options, socketPath: address.path });
    const target = { ...options, host: address.host, port: address.port };
    if (address.tls === undefined) return httpRequest(target);
    const { ca, certificate, key, verifies } = address.tls;
    // TLS takes longer to load than everything else here: only those who use it wait for it.
    const { request: httpsRequest } = await import("node:https");
    return httpsRequest({
      ...target,
      servername: isIP(address.host) === 0 ? address.host : "", // Else it is the Host header's.
      rejectUnauthorized: verifies,
      ...(ca && { ca }),
      ...(certificate && { cert: certificate }),
      ...(key && { key }),
    });
  }

  #unreachable(error: Error): Error {
    const code = "code" in error ? error.code : undefined;
    if (code === "EACCES")
      return new Error(`permission denied while trying to connect to the Docker daemon socket at ${this.#label}`, {
        cause: error,
      });
    if (code === "ENOENT" || code === "ECONNREFUSED")
      return new Error(`${CANNOT_CONNECT} ${this.#label}. Is the docker daemon running?`, { cause: error });
    return error;
  }
}

async function openSocket(address: DaemonAddress): Promise<Socket> {
  if (address.kind === "unix") return createConnection({ path: address.path, allowHalfOpen: true });
  const { host, port, tls } = address;
  if (tls === undefined) return createConnection({ host, port, allowHalfOpen: true });
  const { ca, certificate: cert, key, verifies: rejectUnauthorized } = tls;
  const { connect } = await import("node:tls");
  const options = { host, port, rejectUnauthorized, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return connect({ ...options, allowHalfOpen: true } as ConnectionOptions); // Node's types leave it out, Node does not.
}

function isStreamed(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

async function sendBody(outgoing: ClientRequest, body: unknown): Promise<void> {
  if (isStreamed(body)) {
    for await (const chunk of body) {
      if (!outgoing.write(chunk)) await new Promise<void>(resolve => outgoing.once("drain", resolve));
    }
  } else if (body !== undefined) outgoing.write(JSON.stringify(body));
  outgoing.end();
}

function withQuery(path: string, query: Query = {}): string {
  const parts = Object.entries(query).filter(([, value]) => value !== undefined);
  if (parts.length === 0) return path;
  const text = parts.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join("&");
  return `${path}${path.includes("?") ? "&" : "?"}${text}`;
}

async function readText(response: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** `{"message": …}` as the user should read it. */
function errorText(text: string, status: number): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string") return `Error response from daemon: ${message.trim()}`;
  } catch {
    // No JSON: shown as it is.
  }
  return text.trim() === "" ? `request returned ${status}` : `Error response from daemon: ${text.trim()}`;
}
