import type { SessionOptions } from "../../terminal/session.ts";
import { type CliContext, type Json, number, text } from "../../context.ts";

/** The path of a container, or of something about it. */
export function containerPath(name: string, what = ""): string {
  return `/containers/${encodeURIComponent(name)}${what === "" ? "" : `/${what}`}`;
}

/** Opens a container's streams. */
export async function openAttach(
  cli: CliContext,
  name: string,
  streams: {
    readonly hasInput: boolean;
    readonly hasOutput: boolean;
    readonly hasError: boolean;
    readonly isTty: boolean;
    readonly detachKeys?: string | undefined;
  },
): Promise<SessionOptions> {
  const opened = await cli.client.hijack(containerPath(name, "attach"), {
    query: {
      stream: true,
      stdin: streams.hasInput,
      stdout: streams.hasOutput,
      stderr: streams.hasError,
      ...(streams.detachKeys !== undefined && { detachKeys: streams.detachKeys }),
    },
  });
  return { ...opened, hasInput: streams.hasInput, isTty: streams.isTty, detachKeys: streams.detachKeys };
}

export interface Exit {
  readonly code: Promise<number>;
}

/**
 * Waits for a container's end. The wait stands at the daemon when this returns, so that a container that ends at once is not missed.
 * @param condition - `removed` for `--rm`: the exit code then comes when nothing is left of it.
 */
export async function beginWait(
  cli: CliContext,
  name: string,
  condition: "next-exit" | "removed" | "not-running",
): Promise<Exit> {
  const response = await cli.client.stream("POST", containerPath(name, "wait"), { query: { condition } });
  const code = readAll(response).then(answer => (answer === "" ? 125 : number(JSON.parse(answer) as Json, "StatusCode")));
  // Looked at later, or not at all when the start fails.
  code.catch(() => {});
  return { code };
}

async function readAll(response: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8").trim();
}

export function containerName(container: Json): string {
  return text(container, "Name").replace(/^\//, "");
}

/** What a failed call said. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
