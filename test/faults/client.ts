import { request } from "node:http";

/** What became of a request: answered, or cut off because the daemon died under it. */
export type Reply = { readonly kind: "answer"; readonly status: number; readonly body: unknown } | { readonly kind: "cut" };

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** JSON, or an archive. */
  readonly body?: unknown;
}

/** No operation of these runs takes that long: past it the daemon hangs. */
const REPLY_MS = 30_000;

/** @throws Error when the daemon neither answers nor dies. */
export function send(socketPath: string, { method, path, body }: Call): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const isArchive = Buffer.isBuffer(body);
    const headers = body === undefined ? {} : { "content-type": isArchive ? "application/x-tar" : "application/json" };
    const outgoing = request({ socketPath, method, path, headers, agent: false });
    const timer = setTimeout(() => {
      outgoing.destroy();
      reject(new Error(`${method} ${path}: no answer within ${REPLY_MS} ms`));
    }, REPLY_MS);
    const settle = (reply: Reply): void => {
      clearTimeout(timer);
      resolve(reply);
    };
    outgoing.on("error", () => settle({ kind: "cut" }));
    outgoing.on("response", response => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", chunk => (text += chunk));
      response.on("error", () => settle({ kind: "cut" }));
      response.on("end", () => settle(answerOf(response.statusCode ?? 0, text)));
    });
    outgoing.end(body === undefined ? undefined : isArchive ? body : JSON.stringify(body));
  });
}

/** A stream of messages may have begun with 200 and tell of its failure later. */
function answerOf(status: number, text: string): Reply {
  const body = parsed(text);
  const hasFailed = /"errorDetail"/.test(text); // Also where that is all it tells.
  return { kind: "answer", status: hasFailed ? 500 : status, body };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Asks for what must be there. @throws Error otherwise. */
export async function get<T>(socketPath: string, path: string): Promise<T> {
  const reply = await send(socketPath, { method: "GET", path });
  if (reply.kind === "cut") throw new Error(`GET ${path}: the daemon is gone`);
  if (reply.status >= 300) throw new Error(`GET ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body as T;
}

/** The bytes of an archive. */
export function download(socketPath: string, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path, agent: false }, response => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve(Buffer.concat(chunks)));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
