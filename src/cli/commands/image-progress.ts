import { jsonLines } from "../../api/client/decode.ts";
import { type CliContext, CliError, field, type Json, number, type Query, text } from "../context.ts";

export interface ProgressCall {
  readonly path: string;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array>;
  readonly print: (line: string) => void;
  /** Told of each image that a build has made. */
  readonly onImage?: (id: string) => void;
}

/** Makes a call that reports as it goes, and prints what it says; its error, which comes inside the stream, becomes ours. */
export async function printProgress(
  cli: CliContext,
  { path, query, headers, body, print, onImage }: ProgressCall,
): Promise<void> {
  const response = await cli.client.stream("POST", path, {
    ...(query && { query }),
    ...(headers && { headers }),
    ...(body && { body }),
  });
  for await (const item of jsonLines(response)) {
    const message = item as Json;
    const error = text(message, "errorDetail", "message") || text(message, "error");
    if (error !== "") throw new CliError(error, number(message, "errorDetail", "code") || 1);
    const image = text(message, "aux", "ID");
    if (image !== "") onImage?.(image);
    const stream = text(message, "stream");
    const status = text(message, "status");
    if (stream !== "") print(stream);
    // How far a layer is changes too often for a line each.
    else if (status !== "" && field(message, "progressDetail", "current") === undefined)
      print(`${text(message, "id") === "" ? "" : `${text(message, "id")}: `}${status}\n`);
  }
}
