import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";
import { undoAfter } from "../../lib/undo.ts";
import { formatUnlockKey } from "../../model/unlock-key.ts";
import { callCluster, requireManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import { readBody } from "../http/body.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { empty, json } from "../http/exchange.ts";
import { booleanOf, flagOf, textOf } from "../http/query.ts";
import {
  checkAddressPools,
  checkAvailability,
  checkDataPathPort,
  checkListenAddress,
  checkRemoteAddresses,
} from "../validation/swarm.ts";
import {
  clusterSpecBody,
  mergedClusterSpec,
  signingCaOf,
  swarmInitBody,
  swarmJoinBody,
  swarmJson,
  swarmUnlockBody,
} from "../wire/swarm.ts";
import type { SwarmInitBody } from "../wire/swarm.ts";
import { objectVersionOf } from "./object-version.ts";
import { GET, POST } from "./route.ts";

const UNLOCK_KEY_HEADER = "x-shoal-unlock-key";
const SUBNET_SIZE_DEFAULT = 24;
/** Whoever says nothing of pools is shown the one that is used; whoever says that there are none, as the docker CLI does, is shown none. */
const POOL_UNSAID = ["10.0.0.0/8"];

async function inspect(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const { cluster } = await callCluster(request, context, { kind: "get-cluster" });
  return json(swarmJson(cluster));
}

function requireInactive({ backends }: ApiContext): void {
  const { state } = backends.swarm.local();
  if (state === "inactive") return;
  throw new OperationError(
    "unavailable",
    'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.',
  );
}

async function init(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const body = await readBody(request, swarmInitBody);
  if (!body.forceNewCluster) requireInactive(context);
  checkListenAddress(body.listenAddress);
  checkDataPathPort(body.dataPathPort);
  const subnetSize = body.subnetSize === 0 ? SUBNET_SIZE_DEFAULT : body.subnetSize;
  checkAddressPools(body.defaultAddressPool ?? [], { subnetSize });
  const { nodeId } = await context.backends.swarm.init({
    listenAddress: body.listenAddress,
    advertiseAddress: body.advertiseAddress,
    dataPathAddress: body.dataPathAddress,
    dataPathPort: body.dataPathPort,
    forceNewCluster: body.forceNewCluster,
    defaultAddressPool: body.defaultAddressPool ?? POOL_UNSAID,
    subnetSize,
    autoLockManagers: body.spec.encryption?.autoLockManagers ?? false,
    availability: checkAvailability(body.availability),
  });
  await applySpec(request, context, body).catch(async (error: unknown) => {
    const told = `error updating cluster settings: ${errorMessage(error)}`;
    // A swarm that was to be otherwise is none; one that was there before stays.
    const steps = body.forceNewCluster ? [] : [() => context.backends.swarm.leave({ force: true })];
    await undoAfter(new OperationError(errorKind(error), told, { cause: error }), steps);
  });
  return json(nodeId);
}

/** The swarm begins with its defaults; what the client wants otherwise is put in once it stands. */
async function applySpec(request: ApiRequest, context: ApiContext, { spec: said }: SwarmInitBody): Promise<void> {
  const wanted: unknown[] = [said.name, ...Object.values(said.orchestration), ...Object.values(said.raft)];
  wanted.push(...Object.values(said.dispatcher), ...Object.values(said.ca));
  const hasLabels = Object.keys(said.labels ?? {}).length > 0;
  if (!hasLabels && wanted.every(value => value === undefined)) return;
  const { cluster } = await callCluster(request, context, { kind: "get-cluster" });
  await callCluster(request, context, {
    kind: "update-cluster",
    version: cluster.version,
    spec: mergedClusterSpec(cluster.spec, said),
    ...signingCaOf(said),
    rotateWorkerToken: false,
    rotateManagerToken: false,
    rotateUnlockKey: false,
  });
}

async function join(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const body = await readBody(request, swarmJoinBody);
  requireInactive(context);
  checkListenAddress(body.listenAddress);
  checkRemoteAddresses(body.remoteAddresses);
  await context.backends.swarm.join({
    listenAddress: body.listenAddress,
    advertiseAddress: body.advertiseAddress,
    dataPathAddress: body.dataPathAddress,
    remoteAddresses: body.remoteAddresses,
    joinToken: body.joinToken,
    availability: checkAvailability(body.availability),
  });
  return empty(200);
}

async function leave(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  if (backends.swarm.local().state === "inactive") {
    throw new OperationError("unavailable", "This node is not part of a swarm");
  }
  await backends.swarm.leave({ force: flagOf(request, "force") });
  return empty(200);
}

/** Beyond Docker. */
function backup(request: ApiRequest, context: ApiContext): Answer {
  const { signal } = request;
  const chunks = context.backends.swarm.backup({ signal });
  return { kind: "stream", contentType: "application/octet-stream", chunks, isEager: false };
}

/** Beyond Docker. */
async function restore(request: ApiRequest, context: ApiContext): Promise<Answer> {
  requireInactive(context);
  const listenAddress = textOf(request, "listenAddr");
  checkListenAddress(listenAddress);
  const key = request.headers[UNLOCK_KEY_HEADER];
  const { nodeId } = await context.backends.swarm.restore({
    listenAddress,
    advertiseAddress: textOf(request, "advertiseAddr"),
    dataPathAddress: "",
    unlockKey: typeof key === "string" ? key : "",
    bytes: request.body.stream,
  });
  return json(nodeId);
}

async function update(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const said = await readBody(request, clusterSpecBody);
  const version = objectVersionOf(request, "swarm");
  const rotateWorkerToken = booleanOf(request, "rotateWorkerToken");
  const rotateManagerToken = booleanOf(request, "rotateManagerToken");
  const rotateUnlockKey = booleanOf(request, "rotateManagerUnlockKey");
  const { cluster } = await callCluster(request, context, { kind: "get-cluster" });
  const spec = mergedClusterSpec(cluster.spec, said);
  await callCluster(request, context, {
    kind: "update-cluster",
    version,
    spec,
    ...signingCaOf(said),
    rotateWorkerToken,
    rotateManagerToken,
    rotateUnlockKey,
  });
  if (rotateUnlockKey || spec.autoLockManagers !== cluster.spec.autoLockManagers) await adoptUnlockKey(request, context);
  return empty(200);
}

/** Before the answer: who gives up a lock, and then restarts the daemon, may not have kept the key. */
async function adoptUnlockKey(request: ApiRequest, context: ApiContext): Promise<void> {
  const { version, key } = await callCluster(request, context, { kind: "get-unlock-key" });
  await context.backends.swarm.adoptUnlockKey({ version, ...(key && { key }) });
}

async function unlockKey(request: ApiRequest, context: ApiContext): Promise<Answer> {
  const { key } = await callCluster(request, context, { kind: "get-unlock-key" });
  return json({ UnlockKey: key === undefined ? "" : formatUnlockKey(key) });
}

async function unlock(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const { unlockKey: key } = await readBody(request, swarmUnlockBody);
  const local = backends.swarm.local();
  if (local.state !== "locked") requireManager(local);
  await backends.swarm.unlock(key);
  return empty(200);
}

export const SWARM_ROUTES: readonly Route<ApiContext>[] = [
  GET("/swarm", inspect),
  GET("/swarm/unlockkey", unlockKey),
  POST("/swarm/init", init),
  POST("/swarm/join", join),
  POST("/swarm/leave", leave),
  POST("/swarm/update", update),
  POST("/swarm/unlock", unlock),
  GET("/swarm/backup", backup),
  POST("/swarm/restore", restore),
];
