import { errorKind, OperationError } from "../../lib/errors.ts";
import type { Image } from "../../model/image.ts";
import type { ApiContext } from "../context.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { ndjson } from "../http/ndjson.ts";
import { filtersOf, flagOf, textOf } from "../http/query.ts";
import { checkDangling, IMAGE_FILTERS } from "../validation/filters.ts";
import { parseReference } from "../validation/reference.ts";
import { sharedSizes } from "../wire/disk-usage.ts";
import { imageHistory, imageInspect, imageSummary } from "../wire/image.ts";
import { DELETE, GET, POST } from "./route.ts";

const nameOf = ({ params }: ApiRequest): string => params["name"] ?? "";

async function list(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const filters = filtersOf(request, IMAGE_FILTERS);
  checkDangling(filters);
  const images = await backends.images.list({ all: flagOf(request, "all"), filters });
  const shared = flagOf(request, "shared-size") ? sharedSizes(images, (await backends.layerSizes?.()) ?? new Map()) : undefined;
  const sizeOf = (id: string) => (shared === undefined ? {} : { SharedSize: shared.get(id) ?? 0 });
  return json(images.map(image => ({ ...imageSummary(image, request.version), ...sizeOf(image.id) })));
}

function load(request: ApiRequest, { backends }: ApiContext): Answer {
  const quiet = !request.query.has("quiet") || flagOf(request, "quiet");
  return ndjson(backends.images.load(request.body.stream, { quiet }), { isEager: false, failsInBody: true });
}

function save(references: readonly string[], request: ApiRequest, { backends }: ApiContext): Answer {
  const chunks = backends.images.save(references, { signal: request.signal });
  return { kind: "stream", contentType: "application/x-tar", chunks, isEager: false };
}

/** Pulls, or with `fromSrc` takes a root file system. */
function create(request: ApiRequest, context: ApiContext): Answer {
  const { images } = context.backends;
  const image = textOf(request, "fromImage");
  const platform = textOf(request, "platform");
  if (image === "") return importImage(request, context);
  const tag = textOf(request, "tag");
  const reference = parseReference(tag === "" ? image : `${image}${tag.includes(":") ? "@" : ":"}${tag}`);
  const auth = request.headers["x-registry-auth"];
  const options = { platform, signal: request.signal, ...(typeof auth === "string" ? { auth } : {}) };
  return ndjson(images.pull(reference.familiar, options), { isEager: false });
}

function importImage(request: ApiRequest, { backends }: ApiContext): Answer {
  const source = textOf(request, "fromSrc");
  if (source !== "-") {
    throw new OperationError("invalid", "an image can be imported from the request's body only (fromSrc=-)");
  }
  const repository = textOf(request, "repo");
  const tag = textOf(request, "tag");
  if (repository !== "") parseReference(tag === "" ? repository : `${repository}:${tag}`);
  const options = {
    repository,
    tag,
    message: textOf(request, "message") || `Imported from ${source}`,
    changes: request.query.getAll("changes"),
    platform: textOf(request, "platform"),
  };
  return ndjson(backends.images.importArchive(request.body.stream, options), { isEager: false });
}

async function inspect(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const image = await backends.images.inspect(nameOf(request));
  return json(imageInspect(image, { version: request.version, folders: backends.imageFolders?.(image) }));
}

async function history(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const image = await backends.images.inspect(nameOf(request));
  const parents: Image[] = [];
  for (let id = image.parent; id !== "" && parents.length < image.history.length; id = parents.at(-1)?.parent ?? "") {
    const parent = await backends.images.inspect(id).catch(ignoreMissing);
    if (parent === undefined) break;
    parents.push(parent);
  }
  return json(imageHistory({ image, parents }, (await backends.layerSizes?.()) ?? new Map()));
}

/** Removed by force. */
function ignoreMissing(error: unknown): undefined {
  if (errorKind(error) !== "not-found") throw error;
}

async function tagImage(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const repository = textOf(request, "repo");
  const tag = textOf(request, "tag");
  parseReference(tag === "" ? repository : `${repository}:${tag}`);
  await backends.images.tag(nameOf(request), repository, tag || "latest");
  return empty(201);
}

type Removed = { readonly untagged: string } | { readonly deleted: string };

function removedJson(removed: readonly Removed[]): readonly Record<string, string>[] {
  return removed.map(item => ("untagged" in item ? { Untagged: item.untagged } : { Deleted: item.deleted }));
}

async function remove(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const removed = await backends.images.remove(nameOf(request), {
    force: flagOf(request, "force"),
    prune: !flagOf(request, "noprune"),
  });
  return json(removedJson(removed));
}

async function prune(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const { deleted, reclaimedBytes } = await backends.images.prune(filtersOf(request, ["dangling", "label", "label!", "until"]));
  return json({ ImagesDeleted: deleted.length === 0 ? null : removedJson(deleted), SpaceReclaimed: reclaimedBytes });
}

function refuse(message: string): () => never {
  return () => {
    throw new OperationError("invalid", message);
  };
}

export const IMAGE_ROUTES: readonly Route<ApiContext>[] = [
  GET("/images/json", list),
  GET("/images/search", refuse("searching a registry is not supported")),
  GET("/images/get", (request, context) => save(request.query.getAll("names"), request, context)),
  GET("/images/{name:.*}/get", (request, context) => save([nameOf(request)], request, context)),
  GET("/images/{name:.*}/history", history),
  GET("/images/{name:.*}/json", inspect),
  POST("/images/load", load),
  POST("/images/create", create),
  POST("/images/prune", prune),
  POST("/images/{name:.*}/push", refuse("pushing images is not supported yet")),
  POST("/images/{name:.*}/tag", tagImage),
  DELETE("/images/{name:.*}", remove),
];
