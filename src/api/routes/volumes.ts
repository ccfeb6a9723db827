import { OperationError } from "../../lib/errors.ts";
import type { Filters } from "../../model/control.ts";
import { isManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import { readBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { filtersOf, flagOf } from "../http/query.ts";
import { isOlder } from "../http/version.ts";
import { checkDangling, checkFlag, VOLUME_FILTERS } from "../validation/filters.ts";
import { checkVolumeName } from "../validation/mounts.ts";
import { volumeCreateBody, volumeJson } from "../wire/volume.ts";
import { objectVersionOf } from "./object-version.ts";
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

/** Until 1.42 volumes with names went too. */
function pruneFilters(request: ApiRequest): Filters {
  const filters = filtersOf(request, ["all", "label", "label!"]);
  checkFlag("all", filters["all"]);
  if (!isOlder(request.version, "1.42")) return filters;
  if (filters["all"] === undefined) return { ...filters, all: ["true"] };
  const values = [...filters["all"], "true"].join(" ");
  throw new OperationError("invalid", `invalid filter 'all=[${values}]': only one value is expected`);
}

/** Only volumes of a cluster can change, and there are none. */
function update(request: ApiRequest, { backends }: ApiContext): never {
  if (!isManager(backends.swarm.local())) {
    throw new OperationError("unavailable", "volume update only valid for cluster volumes, but swarm is unavailable");
  }
  objectVersionOf(request, "volume");
  throw new OperationError("not-found", `volume ${nameOf(request)} not found`);
}

async function prune(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const { deleted, reclaimedBytes } = await backends.volumes.prune(pruneFilters(request));
  return json({ VolumesDeleted: deleted.length === 0 ? null : deleted, SpaceReclaimed: reclaimedBytes });
}

export const VOLUME_ROUTES: readonly Route<ApiContext>[] = [
  GET("/volumes", list),
  GET("/volumes/{name:.*}", async (request, { backends }) => json(volumeJson(await backends.volumes.inspect(nameOf(request))))),
  POST("/volumes/create", create),
  POST("/volumes/prune", prune),
  PUT("/volumes/{name:.*}", update),
  DELETE("/volumes/{name:.*}", async (request, { backends }) => {
    await backends.volumes.remove(nameOf(request), { force: flagOf(request, "force") });
    return empty();
  }),
];
