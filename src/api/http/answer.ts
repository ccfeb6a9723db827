import type { ServerResponse } from "node:http";
import { errorMessage } from "../../lib/errors.ts";
import { httpStatus } from "../error-status.ts";
import { writeAll } from "./connection.ts";
import type { Answer } from "./exchange.ts";

/** Writes everything but hijacked connections. */
export async function sendAnswer(response: ServerResponse, answer: Exclude<Answer, { readonly kind: "hijack" }>): Promise<void> {
  switch (answer.kind) {
    case "json":
      return sendJson(response, answer.status, answer.value);
    case "empty":
      response.writeHead(answer.status, answer.headers);
      response.end();
      return;
    case "text":
      response.writeHead(200, {
        "Content-Type": "text/plain; charset=utf-8",
        ...answer.headers,
        "Content-Length": response.req.method === "HEAD" ? 0 : Buffer.byteLength(answer.text),
      });
      response.end(response.req.method === "HEAD" ? undefined : answer.text);
      return;
    case "stream":
      return sendStream(response, answer);
  }
}

/** @param options.isPlain - For clients from before errors were JSON. */
export function sendError(response: ServerResponse, error: unknown, { isPlain = false } = {}): void {
  const status = httpStatus(error);
  if (status === 304) {
    response.writeHead(304);
    response.end();
    return;
  }
  if (isPlain) return sendPlain(response, status, errorMessage(error));
  sendJson(response, status, { message: errorMessage(error) });
}

function sendPlain(response: ServerResponse, status: number, text: string): void {
  const headers = { "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff" };
  response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(text) + 1 });
  response.end(response.req.method === "HEAD" ? undefined : `${text}\n`);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = jsonBytes(value);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": body.byteLength });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

export function jsonBytes(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

async function sendStream(response: ServerResponse, answer: Answer & { readonly kind: "stream" }): Promise<void> {
  response.setHeader("Content-Type", answer.contentType);
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (answer.isEager) response.flushHeaders();
  try {
    for await (const chunk of answer.chunks) await writeAll(response, [chunk]);
  } catch (error) {
    if (!response.headersSent && answer.failsInBody !== true) throw error;
    // A cut-off chunked body is what tells the client, unless the format has a place for errors.
    if (answer.onError === undefined || response.destroyed) {
      response.destroy();
      throw error;
    }
    response.write(answer.onError(error));
  }
  response.end();
}
