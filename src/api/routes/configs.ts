import type { Config } from "../../model/cluster.ts";
import { callCluster, requireManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import { readBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { filtersOf } from "../http/query.ts";
import { checkFileData, checkFileObject, CONFIG_BYTES_MAX } from "../validation/file-object.ts";
import { configJson, replacementBody, configSpec } from "../wire/cluster-objects.ts";
import { checkSignal } from "../validation/signals.ts";
import { objectVersionOf, only } from "./object-version.ts";
import { DELETE, GET, POST } from "./route.ts";

const idOf = ({ params }: ApiRequest): string => params["id"] ?? "";

async function find(request: ApiRequest, context: ApiContext): Promise<Config> {
  const idOrName = idOf(request);
  const { configs } = await callCluster(request, context, { kind: "get-config", idOrName });
  return only(configs, { what: "config", idOrName });
}

async function create(request: ApiRequest, context: ApiContext): Promise<Answer> {
  requireManager(context.backends.swarm.local());
  const spec = await readBody(request, configSpec);
  checkFileObject(spec, { what: "config", bytesMax: CONFIG_BYTES_MAX });
  const { id } = await callCluster(request, context, { kind: "create-config", spec });
  return json({ ID: id }, 201);
}

async function update(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const spec = await readBody(request, configSpec);
  const version = objectVersionOf(request, "config");
  await callCluster(request, context, { kind: "update-config", id: idOf(request), version, spec });
  return empty(200);
}

/** Beyond Docker: other data, of which tasks that run are told where a signal is given. */
async function replace(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const { data, reloadSignal } = await readBody(request, replacementBody);
  const version = objectVersionOf(request, "config");
  checkFileData(data, { what: "config", bytesMax: CONFIG_BYTES_MAX });
  if (reloadSignal !== undefined) checkSignal(reloadSignal);
  const reloading = reloadSignal === undefined ? {} : { reloadSignal };
  await callCluster(request, context, { kind: "replace-config", id: idOf(request), version, data, ...reloading });
  return empty(200);
}

export const CONFIG_ROUTES: readonly Route<ApiContext>[] = [
  GET("/configs", async (request, context) => {
    const filters = filtersOf(request, ["id", "label", "name"]);
    const { configs } = await callCluster(request, context, { kind: "list-configs", filters });
    return json(configs.map(configJson));
  }),
  GET("/configs/{id}", async (request, context) => json(configJson(await find(request, context)))),
  POST("/configs/create", create),
  POST("/configs/{id}/update", update),
  POST("/configs/{id}/data", replace),
  DELETE("/configs/{id}", async (request, context) => {
    await callCluster(request, context, { kind: "remove-config", idOrName: idOf(request) });
    return empty();
  }),
];
