import { request } from "node:http";
import type { Outcome } from "./compare.ts";
import type { Engine } from "./engines.ts";

const REQUEST_MS = 20_000;

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** A string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends one request over the engine's socket; the status stands for the exit code. Each has a connection of its own: one
 * that is kept may be closed by an engine, as one that refuses a body does, in the moment in which it is used again.
 */
export function send({ dockerHost }: Engine, { method, path, body, headers }: HttpRequest): Promise<Outcome> {
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = request({
      agent: false,
      socketPath: dockerHost.replace("unix://", ""),
      method,
      path,
      headers: { ...(text !== undefined && { "Content-Type": "application/json" }), ...headers },
      timeout: REQUEST_MS,
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`${method} ${path} was not answered in time`)));
    const fail = (error: Error): void =>
      reject(new Error(`${method} ${path} on ${dockerHost}: ${error.message}`, { cause: error }));
    outgoing.on("error", fail);
    outgoing.on("response", response => {
      let stdout = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (stdout += chunk));
      response.on("error", fail);
      response.on("end", () => resolve({ exitCode: response.statusCode ?? 0, stdout, stderr: "" }));
    });
    outgoing.end(text);
  });
}

/** A list of objects, or none where there is no such list, as of services without a swarm. */
export async function list(engine: Engine, path: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { exitCode, stdout } = await send(engine, { method: "GET", path });
  const json: unknown = exitCode === 200 ? JSON.parse(stdout) : [];
  const items = typeof json === "object" && json !== null && "Volumes" in json ? json.Volumes : json;
  return Array.isArray(items) ? items : [];
}
