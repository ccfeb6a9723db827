import type { Secret } from "../../model/cluster.ts";
import { callCluster, requireManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import { readBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { filtersOf } from "../http/query.ts";
import { checkFileData, checkFileObject, SECRET_BYTES_MAX } from "../validation/file-object.ts";
import { replacementBody, secretJson, secretSpec } from "../wire/cluster-objects.ts";
import { checkSignal } from "../validation/signals.ts";
import { objectVersionOf, only } from "./object-version.ts";
import { DELETE, GET, POST } from "./route.ts";

const idOf = ({ params }: ApiRequest): string => params["id"] ?? "";

async function find(request: ApiRequest, context: ApiContext): Promise<Secret> {
  const idOrName = idOf(request);
  const { secrets } = await callCluster(request, context, { kind: "get-secret", idOrName });
  return only(secrets, { what: "secret", idOrName });
}

async function create(request: ApiRequest, context: ApiContext): Promise<Answer> {
  requireManager(context.backends.swarm.local());
  const spec = await readBody(request, secretSpec);
  checkFileObject(spec, { what: "secret", bytesMax: SECRET_BYTES_MAX });
  const { id } = await callCluster(request, context, { kind: "create-secret", spec });
  return json({ ID: id }, 201);
}

async function update(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const spec = await readBody(request, secretSpec);
  const version = objectVersionOf(request, "secret");
  await callCluster(request, context, { kind: "update-secret", id: idOf(request), version, spec });
  return empty(200);
}

/** Beyond Docker: other data, of which tasks that run are told where a signal is given. */
async function replace(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const { data, reloadSignal } = await readBody(request, replacementBody);
  const version = objectVersionOf(request, "secret");
  checkFileData(data, { what: "secret", bytesMax: SECRET_BYTES_MAX });
  if (reloadSignal !== undefined) checkSignal(reloadSignal);
  const reloading = reloadSignal === undefined ? {} : { reloadSignal };
  await callCluster(request, context, { kind: "replace-secret", id: idOf(request), version, data, ...reloading });
  return empty(200);
}

export const SECRET_ROUTES: readonly Route<ApiContext>[] = [
  GET("/secrets", async (request, context) => {
    const filters = filtersOf(request, ["id", "label", "name", "names"]);
    const { secrets } = await callCluster(request, context, { kind: "list-secrets", filters });
    return json(secrets.map(secretJson));
  }),
  GET("/secrets/{id}", async (request, context) => json(secretJson(await find(request, context)))),
  POST("/secrets/create", create),
  POST("/secrets/{id}/update", update),
  POST("/secrets/{id}/data", replace),
  DELETE("/secrets/{id}", async (request, context) => {
    await callCluster(request, context, { kind: "remove-secret", idOrName: idOf(request) });
    return empty();
  }),
];
