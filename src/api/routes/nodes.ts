import { OperationError } from "../../lib/errors.ts";
import type { NodeView } from "../../model/control.ts";
import { callCluster, requireManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import { readBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { filtersOf, flagOf } from "../http/query.ts";
import { nodeJson, nodeSpec } from "../wire/cluster-objects.ts";
import { objectVersionOf, only } from "./object-version.ts";
import { DELETE, GET, POST } from "./route.ts";

const NODE_FILTERS = ["id", "label", "membership", "name", "node.label", "role"];
const idOf = ({ params }: ApiRequest): string => params["id"] ?? "";

async function find(request: ApiRequest, context: ApiContext): Promise<NodeView> {
  const idOrName = idOf(request);
  const { nodes } = await callCluster(request, context, { kind: "get-node", idOrName });
  return only(nodes, { what: "node", idOrName });
}

async function list(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const filters = filtersOf(request, NODE_FILTERS);
  for (const role of filters["role"] ?? []) {
    if (role !== "worker" && role !== "manager") throw new OperationError("invalid", `Invalid role filter: '${role}'`);
  }
  for (const membership of filters["membership"] ?? []) {
    if (membership !== "pending" && membership !== "accepted")
      throw new OperationError("invalid", `Invalid membership filter: '${membership}'`);
  }
  const { nodes } = await callCluster(request, context, { kind: "list-nodes", filters });
  return json(nodes.map(nodeJson));
}

async function update(request: ApiRequest, context: ApiContext): Promise<Answer> {
  requireManager(context.backends.swarm.local());
  const spec = await readBody(request, nodeSpec);
  const version = objectVersionOf(request, "node");
  if (!["worker", "manager"].includes(spec.role))
    throw new OperationError("invalid", `invalid Role: ${JSON.stringify(spec.role)}`);
  if (!["active", "pause", "drain"].includes(spec.availability)) {
    throw new OperationError("invalid", `invalid Availability: ${JSON.stringify(spec.availability)}`);
  }
  await callCluster(request, context, { kind: "update-node", id: idOf(request), version, spec });
  return empty(200);
}

export const NODE_ROUTES: readonly Route<ApiContext>[] = [
  GET("/nodes", list),
  GET("/nodes/{id}", async (request, context) => json(nodeJson(await find(request, context)))),
  POST("/nodes/{id}/update", update),
  DELETE("/nodes/{id}", async (request, context) => {
    await callCluster(request, context, { kind: "remove-node", idOrName: idOf(request), force: flagOf(request, "force") });
    return empty(200);
  }),
];
