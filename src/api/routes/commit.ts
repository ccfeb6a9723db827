import { OperationError } from "../../lib/errors.ts";
import type { ApiContext } from "../context.ts";
import { readPartialBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { json } from "../http/exchange.ts";
import { flagOf, textOf } from "../http/query.ts";
import { parseReference } from "../validation/reference.ts";
import { containerConfig } from "../wire/container-config.ts";
import { POST } from "./route.ts";

async function commit(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  if (backends.commits === undefined) {
    throw new OperationError("invalid", "committing containers to images is not supported by this engine");
  }
  const repository = textOf(request, "repo");
  const tag = textOf(request, "tag");
  if (repository !== "") parseReference(tag === "" ? repository : `${repository}:${tag}`);
  const id = await backends.commits.commit(textOf(request, "container"), {
    repository,
    tag,
    comment: textOf(request, "comment"),
    author: textOf(request, "author"),
    changes: request.query.getAll("changes"),
    config: await configOf(request),
    pauses: !request.query.has("pause") || flagOf(request, "pause"),
    signal: request.signal,
  });
  return json({ Id: id }, 201);
}

/** `null` is what the CLI sends where it has nothing to say. */
async function configOf(request: ApiRequest) {
  const given = await readPartialBody(request, containerConfig);
  return Object.fromEntries(Object.entries(given).filter(([, value]) => !isZero(value)));
}

function isZero(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === "" || value === false || value === 0 || value === null;
}

export const COMMIT_ROUTES: readonly Route<ApiContext>[] = [POST("/commit", commit)];
