import { OperationError } from "../../lib/errors.ts";
import type { LogOptions, LogStream } from "../backends.ts";
import type { Answer, ApiRequest } from "../http/exchange.ts";
import { frameHeader, framed } from "../http/frames.ts";
import { flagOf, textOf, timeNsOf } from "../http/query.ts";
import { streamType } from "./container-streams.ts";

/** @throws OperationError `invalid`. */
export function logOptionsOf(request: ApiRequest): LogOptions {
  const wantsStdout = flagOf(request, "stdout");
  const wantsStderr = flagOf(request, "stderr");
  if (!wantsStdout && !wantsStderr) {
    throw new OperationError("invalid", "Bad parameters: you must choose at least one stream");
  }
  const sinceNs = timeNsOf(request, "since");
  const untilNs = timeNsOf(request, "until");
  const tail = tailOf(textOf(request, "tail"));
  return {
    follow: flagOf(request, "follow"),
    wantsStdout,
    wantsStderr,
    timestamps: flagOf(request, "timestamps"),
    details: flagOf(request, "details"),
    signal: request.signal,
    ...(sinceNs === undefined ? {} : { sinceNs }),
    ...(untilNs === undefined ? {} : { untilNs }),
    ...(tail === undefined ? {} : { tail }),
  };
}

/** Of tasks, where Docker is stricter. @throws OperationError `invalid`. */
export function clusterLogOptionsOf(request: ApiRequest): LogOptions {
  const tail = textOf(request, "tail");
  if (!/^(?:\d+|all)?$/.test(tail)) throw new OperationError("invalid", 'tail value must be a positive integer or "all"');
  return logOptionsOf(request);
}

/** Docker takes whatever is not a number of lines for `all`. */
function tailOf(value: string): number | undefined {
  return /^\d+$/.test(value) ? Number(value) : undefined;
}

export function logAnswer(request: ApiRequest, { isTty, batches }: LogStream): Answer {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const lines of batches) yield isTty ? Buffer.concat(lines.map(({ data }) => data)) : framed(lines);
  }
  return {
    kind: "stream",
    contentType: streamType(request, isTty),
    chunks: chunks(),
    isEager: true,
    onError(error) {
      const text = Buffer.from(`Error grabbing logs: ${error instanceof Error ? error.message : String(error)}\n`);
      // Not the container's: clients would look in it for what each line of a task's begins with.
      return isTty ? text : Buffer.concat([frameHeader("systemerr", text.byteLength), text]);
    },
  };
}
