import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { encodeMember, TAR_END, type TarEntryInit } from "../../../src/lib/tar/writer.ts";

export interface BuildEnd {
  readonly status: number;
  /** All that was printed. */
  readonly text: string;
  /** Empty: it succeeded. */
  readonly error: string;
  readonly exitCode: number;
}

/** Names to contents, or whole members. */
export type ContextFiles = Readonly<Record<string, string | Buffer | Omit<TarEntryInit, "path">>>;

export function contextOf(files: ContextFiles): Buffer {
  const members = Object.entries(files).map(([path, content]) =>
    typeof content === "string" || Buffer.isBuffer(content)
      ? encodeMember({ type: "file", path }, Buffer.from(content))
      : encodeMember({ ...content, path }),
  );
  return Buffer.concat([...members, TAR_END]);
}

/** Builds and reads to the end what is told of it. */
export async function build(socketPath: string, query: string, context: ContextFiles | Buffer): Promise<BuildEnd> {
  const { response } = await beginBuild(socketPath, query, context);
  let body = "";
  response.setEncoding("utf8");
  for await (const chunk of response) body += String(chunk);
  return endOf(response.statusCode ?? 0, body);
}

/** Resolves with the first that is told: the request can then be left. */
export function beginBuild(
  socketPath: string,
  query: string,
  context: ContextFiles | Buffer,
): Promise<{ readonly outgoing: ClientRequest; readonly response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/x-tar" };
    const outgoing = request({ socketPath, method: "POST", path: `/build?${query}`, headers, agent: false });
    outgoing.on("error", reject);
    outgoing.on("response", response => resolve({ outgoing, response }));
    outgoing.end(Buffer.isBuffer(context) ? context : contextOf(context));
  });
}

interface Message {
  readonly stream?: string;
  readonly message?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number };
}

function endOf(status: number, body: string): BuildEnd {
  const messages = body
    .split("\n")
    .filter(line => line.trim() !== "")
    .map(line => JSON.parse(line) as Message);
  const last = messages.at(-1);
  return {
    status,
    text: messages.map(({ stream = "" }) => stream).join(""),
    error: last?.error ?? last?.message ?? "",
    exitCode: last?.errorDetail?.code ?? 0,
  };
}
