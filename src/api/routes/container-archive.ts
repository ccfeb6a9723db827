import { OperationError } from "../../lib/errors.ts";
import type { ContainerArchiveBackend } from "../backends.ts";
import type { ApiContext } from "../context.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { flagOf, textOf } from "../http/query.ts";
import { pathStatHeader } from "../wire/path-stat.ts";
import { GET, HEAD, PUT } from "./route.ts";

const STAT_HEADER = "X-Docker-Container-Path-Stat";
const TAR = "application/x-tar";
const nameOf = ({ params }: ApiRequest): string => params["name"] ?? "";

function archiveOf({ backends }: ApiContext): ContainerArchiveBackend {
  if (backends.archive === undefined) {
    throw new OperationError("invalid", "copying files between containers and the host is not supported by this engine");
  }
  return backends.archive;
}

function pathOf(request: ApiRequest): string {
  const path = textOf(request, "path");
  if (path === "") throw new OperationError("invalid", "bad parameter: pathcannot be empty"); // As Docker says it.
  return path;
}

async function stat(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const found = await archiveOf(context).stat(nameOf(request), pathOf(request));
  return { kind: "empty", status: 200, headers: { [STAT_HEADER]: pathStatHeader(found) } };
}

async function read(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const options = { path: pathOf(request), signal: request.signal };
  const { stat: found, archive } = await archiveOf(context).read(nameOf(request), options);
  const headers = { [STAT_HEADER]: pathStatHeader(found) };
  return { kind: "stream", contentType: TAR, headers, chunks: archive, isEager: true };
}

async function write(request: ApiRequest, context: ApiContext): Promise<Answer> {
  await archiveOf(context).write(nameOf(request), {
    path: pathOf(request),
    noOverwriteDirNonDir: flagOf(request, "noOverwriteDirNonDir"),
    copyUidGid: flagOf(request, "copyUIDGID"),
    archive: request.body.stream,
  });
  return empty(200);
}

async function exportTree(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const chunks = await archiveOf(context).exportTree(nameOf(request), request.signal);
  return { kind: "stream", contentType: "application/octet-stream", chunks, isEager: true };
}

async function changes(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const all = await archiveOf(context).changes(nameOf(request), request.signal);
  return json(all.length === 0 ? null : all.map(({ path, kind }) => ({ Path: path, Kind: kind })));
}

export const CONTAINER_ARCHIVE_ROUTES: readonly Route<ApiContext>[] = [
  HEAD("/containers/{name:.*}/archive", stat),
  GET("/containers/{name:.*}/archive", read),
  PUT("/containers/{name:.*}/archive", write),
  GET("/containers/{name:.*}/export", exportTree),
  GET("/containers/{name:.*}/changes", changes),
];
