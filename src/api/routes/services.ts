import { errorKind, OperationError } from "../../lib/errors.ts";
import type { ServiceSpec } from "../../model/cluster.ts";
import type { ServiceView } from "../../model/control.ts";
import { callCluster, requireManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import { readBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { filtersOf, flagOf, strictFlagOf, textOf } from "../http/query.ts";
import { isOlder } from "../http/version.ts";
import { checkServiceSpec } from "../validation/service-spec.ts";
import { serviceJson } from "../wire/cluster-objects.ts";
import { serviceSpec } from "../wire/service-spec.ts";
import { findLocal } from "./find-network.ts";
import { clusterLogOptionsOf, logAnswer } from "./log-answer.ts";
import { objectVersionOf, only } from "./object-version.ts";
import { DELETE, GET, POST } from "./route.ts";

const SERVICE_FILTERS = ["id", "label", "mode", "name", "runtime"];
const idOf = ({ params }: ApiRequest): string => params["id"] ?? "";

async function find(request: ApiRequest, context: ApiContext): Promise<ServiceView> {
  const idOrName = idOf(request);
  const { services } = await callCluster(request, context, { kind: "get-service", idOrName });
  return only(services, { what: "service", idOrName });
}

async function list(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const filters = filtersOf(request, SERVICE_FILTERS);
  const { services } = await callCluster(request, context, { kind: "list-services", filters });
  const withStatus = flagOf(request, "status") && !isOlder(request.version, "1.41");
  return json(services.map(view => serviceJson(view, { withStatus })));
}

async function create(request: ApiRequest, context: ApiContext): Promise<Answer> {
  requireManager(context.backends.swarm.local());
  const spec = await readBody(request, serviceSpec);
  checkServiceSpec(spec);
  const { id, warnings } = await withNetworks(spec, context, () =>
    callCluster(request, context, { kind: "create-service", spec }),
  );
  return json({ ID: id, Warnings: warnings.length === 0 ? null : warnings }, 201);
}

/** Tells a network that only this host has apart from one that is not there. @throws OperationError `forbidden` for it. */
async function withNetworks<T>(spec: ServiceSpec, context: ApiContext, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (errorKind(error) !== "not-found") throw error;
    for (const { target } of spec.task.networks) {
      const network = await findLocal(target, context);
      if (network?.scope !== "local") continue;
      const why = "Only networks scoped to the swarm can be used, such as those created with the overlay driver.";
      throw new OperationError("forbidden", `The network ${network.name} cannot be used with services. ${why}`, { cause: error });
    }
    throw error;
  }
}

async function update(request: ApiRequest, context: ApiContext): Promise<Answer> {
  requireManager(context.backends.swarm.local());
  const version = objectVersionOf(request, "service");
  const spec = await readBody(request, serviceSpec);
  const authFrom = textOf(request, "registryAuthFrom");
  if (!["", "spec", "previous-spec"].includes(authFrom))
    throw new OperationError("invalid", "unsupported registryAuthFrom value");
  const rollback = textOf(request, "rollback");
  if (rollback !== "" && rollback !== "previous") {
    throw new OperationError("invalid", `unrecognized rollback option ${rollback}`);
  }
  if (rollback === "") checkServiceSpec(spec);
  const response = await withNetworks(spec, context, () =>
    callCluster(request, context, {
      kind: "update-service",
      id: idOf(request),
      version,
      spec,
      rollback: rollback === "previous",
    }),
  );
  const warnings = response.kind === "created" ? response.warnings : [];
  return json({ Warnings: warnings.length === 0 ? null : warnings });
}

async function logs(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const options = clusterLogOptionsOf(request);
  const { service } = await find(request, context);
  const { clusterLogs } = context.backends;
  if (clusterLogs === undefined) throw new OperationError("unavailable", "logs of services are not available on this node");
  return logAnswer(request, await clusterLogs.clusterLogs({ kind: "service", id: service.id }, options));
}

export const SERVICE_ROUTES: readonly Route<ApiContext>[] = [
  GET("/services", list),
  GET("/services/{id}", async (request, context) => {
    const withDefaults = strictFlagOf(request, "insertDefaults");
    return json(serviceJson(await find(request, context), { withDefaults }));
  }),
  GET("/services/{id}/logs", logs),
  POST("/services/create", create),
  POST("/services/{id}/update", update),
  DELETE("/services/{id}", async (request, context) => {
    await callCluster(request, context, { kind: "remove-service", idOrName: idOf(request) });
    return empty(200);
  }),
];
