import { OperationError } from "../../lib/errors.ts";
import type { ApiContext } from "../context.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { flagOf } from "../http/query.ts";
import { isOlder } from "../http/version.ts";
import { statsJson } from "../wire/stats.ts";
import { GET } from "./route.ts";

async function stats(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  if (backends.stats === undefined) throw new OperationError("invalid", "container statistics are not supported by this engine");
  const isStream = !request.query.has("stream") || flagOf(request, "stream");
  const isOneShot = flagOf(request, "one-shot") && !isOlder(request.version, "1.41");
  const source = await backends.stats.stats(request.params["name"] ?? "", { isStream, isOneShot, signal: request.signal });
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const one of source) yield Buffer.from(`${JSON.stringify(statsJson(one))}\n`);
  }
  return { kind: "stream", contentType: "application/json", chunks: chunks(), isEager: isStream };
}

export const CONTAINER_STATS_ROUTES: readonly Route<ApiContext>[] = [GET("/containers/{name:.*}/stats", stats)];
