import { readFile } from "node:fs/promises";
import { type ClientRequest, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { errnoCode, errorMessage, OperationError } from "../../lib/errors.ts";
import type { PluginAddress, PluginTls } from "./plugin-address.ts";

/** How long a plugin may take for one answer, and how large it may be. */
const ANSWER_MS = 30_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
const ACCEPT = "application/vnd.docker.plugins.v1.2+json";

/** A plugin that cannot be reached: it may be about to start. */
export class PluginAwayError extends Error {
  override readonly name = "PluginAwayError";
}

/** One call of a plugin's. @throws PluginAwayError when there is no connection, OperationError `internal` for an answer that is none. */
export async function callPlugin(
  address: PluginAddress,
  path: string,
  body: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const content = Buffer.from(body === undefined ? "" : `${JSON.stringify(body)}\n`);
  const { status, text } = await exchange(address, path, content);
  if (status !== 200) throw new OperationError("internal", `${path}: ${status}: ${text.trim()}`);
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null) return answer as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw new OperationError("internal", `${path}: the answer is not JSON`);
}

async function exchange(
  address: PluginAddress,
  path: string,
  content: Buffer,
): Promise<{ readonly status: number; readonly text: string }> {
  const options: RequestOptions = {
    method: "POST",
    path,
    agent: false,
    headers: { Host: "plugin.moby.localhost", Accept: ACCEPT, "Content-Length": content.byteLength },
    signal: AbortSignal.timeout(ANSWER_MS),
  };
  const outgoing = await open(address, options);
  return new Promise((resolve, reject) => {
    outgoing.on("error", (error: Error) =>
      reject(isAway(error) ? new PluginAwayError(wordsOf(error, path), { cause: error }) : error),
    );
    outgoing.on("response", response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.byteLength;
        if (size > ANSWER_BYTES_MAX) outgoing.destroy(new OperationError("internal", `${path}: the answer is too large`));
        chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
    });
    outgoing.end(content);
  });
}

async function open(address: PluginAddress, options: RequestOptions): Promise<ClientRequest> {
  if (address.kind === "unix") return httpRequest({ ...options, socketPath: address.path });
  const { host, port, tls } = address;
  if (tls === undefined) return httpRequest({ ...options, host, port });
  return httpsRequest({ ...options, ...(await tlsOptions(tls)), host, port });
}

async function tlsOptions({ caPath, certificatePath, keyPath, isUnverified }: PluginTls) {
  const read = async (path: string | undefined) => (path === undefined ? undefined : readFile(path));
  const [ca, cert, key] = await Promise.all([read(caPath), read(certificatePath), read(keyPath)]);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), rejectUnauthorized: !isUnverified };
}

function isAway(error: unknown): boolean {
  return ["ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE", "EHOSTUNREACH", "ENETUNREACH"].includes(errnoCode(error) ?? "");
}

function wordsOf(error: unknown, path: string): string {
  return `Post "http://plugin.moby.localhost${path}": ${errorMessage(error)}`;
}
