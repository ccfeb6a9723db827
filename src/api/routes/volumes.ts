import { OperationError } from "../../lib/errors.ts";
import type { ApiContext } from "../context.ts";
import { readBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { filtersOf, flagOf } from "../http/query.ts";
import { checkDangling, VOLUME_FILTERS } from "../validation/filters.ts";
import { checkVolumeName } from "../validation/mounts.ts";
import { volumeCreateBody, volumeJson } from "../wire/volume.ts";
import { DELETE, GET, POST, PUT } from "./route.ts";

const nameOf = ({ params }: ApiRequest): string => params["name"] ?? "";

async function list(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const filters = filtersOf(request, VOLUME_FILTERS);
  checkDangling(filters);
  const volumes = await backends.volumes.list(filters);
  return json({ Volumes: volumes.map(volumeJson), Warnings: null });
}

async function create(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const body = await readBody(request, volumeCreateBody);
  if (body.name !== "") checkVolumeName(body.name);
  return json(volumeJson(await backends.volumes.create({ ...body, driver: body.driver || "local" })), 201);
}

async function prune(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const { deleted, reclaimedBytes } = await backends.volumes.prune(filtersOf(request, ["all", "label", "label!"]));
  return json({ VolumesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimedBytes });
}

export const VOLUME_ROUTES: readonly Route<ApiContext>[] = [
  GET("/volumes", list),
  GET("/volumes/{name:.*}", async (request, { backends }) => json(volumeJson(await backends.volumes.inspect(nameOf(request))))),
  POST("/volumes/create", create),
  POST("/volumes/prune", prune),
  PUT("/volumes/{name:.*}", () => {
    throw new OperationError("invalid", "cluster volumes are not supported by this engine");
  }),
  DELETE("/volumes/{name:.*}", async (request, { backends }) => {
    await backends.volumes.remove(nameOf(request), { force: flagOf(request, "force") });
    return empty();
  }),
];
