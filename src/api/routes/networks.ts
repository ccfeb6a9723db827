import { OperationError } from "../../lib/errors.ts";
import { nodeNetwork } from "../../model/node-networks.ts";
import { callCluster, isManager, requireManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import { readBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { filtersOf, textOf } from "../http/query.ts";
import { checkEndpoint } from "../validation/create-container.ts";
import { checkNetworkFilters, NETWORK_FILTERS } from "../validation/filters.ts";
import { checkCreateNetwork, checkOverlaySupport, isClusterNetwork } from "../validation/network.ts";
import {
  clusterNetworkJson,
  connectBody,
  networkCreateBody,
  networkJson,
  nodeNetworkJson,
  toNetworkSpec,
} from "../wire/network.ts";
import { clusterNetworks } from "./cluster-networks.ts";
import { findNetwork, isNameOfLocal } from "./find-network.ts";
import { DELETE, GET, POST } from "./route.ts";

const idOf = ({ params }: ApiRequest): string => params["id"] ?? "";

/**
 * Of this host and, on a manager, of the cluster; a cluster network that this host takes part in is shown once. Which containers are on them only
 * an inspect tells.
 */
async function list(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const filters = filtersOf(request, NETWORK_FILTERS);
  checkNetworkFilters(filters);
  const local = await context.backends.networks.list(filters);
  const known = new Set<string>(local.map(({ id }) => id));
  const cluster = (await clusterNetworks(request, context, filters)).filter(({ id }) => !known.has(id));
  return json([...local.map(network => networkJson({ ...network, containers: {} })), ...cluster.map(clusterNetworkJson)]);
}

async function inspect(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const idOrName = idOf(request);
  const scope = textOf(request, "scope");
  const own = scope !== "local" && isManager(context.backends.swarm.local()) ? nodeNetwork(idOrName) : undefined;
  // By name it is this host's where nobody asks for the cluster's.
  if (own !== undefined && (scope === "swarm" || idOrName === own.id)) {
    const { cluster } = await callCluster(request, context, { kind: "get-cluster" });
    return json(nodeNetworkJson(own, cluster.createdAtMs));
  }
  const found = await findNetwork(request, context, { idOrName, scope });
  return json(found.kind === "local" ? networkJson(found.network) : clusterNetworkJson(found.network));
}

async function create(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const body = await readBody(request, networkCreateBody);
  const wanted = body.driver === "" ? { ...body, driver: body.scope === "swarm" || body.isIngress ? "overlay" : "bridge" } : body;
  checkCreateNetwork(wanted);
  if (!isClusterNetwork(wanted)) {
    const { id, warning } = await context.backends.networks.create(wanted);
    return json({ Id: id, Warning: warning }, 201);
  }
  requireManagerForNetwork(context);
  checkOverlaySupport(wanted);
  if (await isNameOfLocal(wanted.name, context)) {
    throw new OperationError("conflict", `network with name ${wanted.name} already exists`);
  }
  const { id, warnings } = await callCluster(request, context, { kind: "create-network", spec: toNetworkSpec(wanted) });
  return json({ Id: id, Warning: warnings.join("\n") }, 201);
}

/** Docker answers this one with 403, where other calls get 503, and takes a worker, as a node that is locked, for one that is in no swarm. */
function requireManagerForNetwork({ backends }: ApiContext): void {
  const local = backends.swarm.local();
  try {
    requireManager(isManager(local) ? local : { ...local, state: "inactive" });
  } catch (error) {
    throw new OperationError("forbidden", error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function remove(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const idOrName = idOf(request);
  const { kind, network } = await findNetwork(request, context, { idOrName });
  if (kind === "local" && network.scope === "local") await context.backends.networks.remove(network.id);
  else if (isManager(context.backends.swarm.local()))
    await callCluster(request, context, { kind: "remove-network", idOrName: network.id });
  else throw new OperationError("not-found", `network ${idOrName} not found`);
  return empty();
}

function requireName(container: string): void {
  if (container === "") throw new OperationError("invalid", 'invalid name or ID supplied: ""');
}

async function connect(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const { container, endpoint } = await readBody(request, connectBody);
  requireName(container);
  checkEndpoint(idOf(request), endpoint);
  await backends.containers.connectNetwork(idOf(request), container, endpoint, { force: false });
  return empty(200);
}

async function disconnect(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const { container, force } = await readBody(request, connectBody);
  requireName(container);
  await backends.containers.disconnectNetwork(idOf(request), container, { force });
  return empty(200);
}

async function prune(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const deleted = await backends.networks.prune(filtersOf(request, ["label", "label!", "until"]));
  return json({ NetworksDeleted: deleted.length === 0 ? null : deleted });
}

export const NETWORK_ROUTES: readonly Route<ApiContext>[] = [
  GET("/networks", list),
  GET("/networks/", list),
  GET("/networks/{id:.+}", inspect),
  POST("/networks/create", create),
  POST("/networks/prune", prune),
  POST("/networks/{id:.*}/connect", connect),
  POST("/networks/{id:.*}/disconnect", disconnect),
  DELETE("/networks/{id:.*}", remove),
];
