import { assert } from "../lib/assert.ts";
import { OperationError } from "../lib/errors.ts";
import type { ControlRequest, ControlResponse } from "../model/control.ts";
import type { RequestId } from "../model/ids.ts";
import { asId, clusterIdFrom } from "../model/ids.ts";
import type { LocalSwarmState } from "./swarm-backend.ts";
import type { ApiContext } from "./context.ts";
import type { ApiRequest } from "./http/exchange.ts";

const ID_BYTES = 25;
const REQUEST_ID_HEADER = "x-shoal-request-id";

/** What each call answers with. */
interface AnswerKinds {
  readonly "get-cluster": "cluster";
  readonly "get-unlock-key": "unlock-key";
  readonly "create-service": "created";
  readonly "create-network": "created";
  readonly "create-secret": "created";
  readonly "create-config": "created";
  readonly "get-service": "services";
  readonly "list-services": "services";
  readonly "get-task": "tasks";
  readonly "list-tasks": "tasks";
  readonly "get-node": "nodes";
  readonly "list-nodes": "nodes";
  readonly "get-network": "networks";
  readonly "list-networks": "networks";
  readonly "get-secret": "secrets";
  readonly "list-secrets": "secrets";
  readonly "get-config": "configs";
  readonly "list-configs": "configs";
  readonly "state-hash": "state-hash";
}
type AnswerTo<Kind extends ControlRequest["kind"]> = Extract<
  ControlResponse,
  { readonly kind: Kind extends keyof AnswerKinds ? AnswerKinds[Kind] : ControlResponse["kind"] }
>;

/**
 * Calls the managers on behalf of a request. A write is answered once for each id: the client's own, so that it may try again, or a new one.
 *
 * @throws OperationError `unavailable` when this node is no manager.
 */
export async function callCluster<Kind extends ControlRequest["kind"]>(
  request: ApiRequest,
  { backends, random }: ApiContext,
  call: Extract<ControlRequest, { readonly kind: Kind }>,
): Promise<AnswerTo<Kind>> {
  requireManager(backends.swarm.local());
  const isRead = call.kind.startsWith("get-") || call.kind.startsWith("list-");
  const own = isRead ? undefined : ownRequestId(request);
  const requestId = own ?? clusterIdFrom<RequestId>(random.bytes(ID_BYTES));
  // Which kind answers which is the contract; the check of it is below.
  const answer = (await backends.control.call(call, {
    requestId,
    mayRepeat: own !== undefined,
    signal: request.signal,
  })) as AnswerTo<Kind>;
  const isExpected = EXPECTED[call.kind] === undefined || EXPECTED[call.kind] === answer.kind;
  assert(isExpected, `a manager answered ${answer.kind} to ${call.kind}`);
  return answer;
}

const EXPECTED: Readonly<Partial<Record<ControlRequest["kind"], ControlResponse["kind"]>>> = {
  "get-cluster": "cluster",
  "get-unlock-key": "unlock-key",
  "create-service": "created",
  "create-network": "created",
  "create-secret": "created",
  "create-config": "created",
  "get-service": "services",
  "list-services": "services",
  "get-task": "tasks",
  "list-tasks": "tasks",
  "get-node": "nodes",
  "list-nodes": "nodes",
  "get-network": "networks",
  "list-networks": "networks",
  "get-secret": "secrets",
  "list-secrets": "secrets",
  "get-config": "configs",
  "list-configs": "configs",
};

function ownRequestId({ headers }: ApiRequest): RequestId | undefined {
  const header = headers[REQUEST_ID_HEADER];
  if (header === undefined) return undefined;
  if (typeof header !== "string" || !/^[0-9a-z]{25}$/.test(header)) {
    throw new OperationError("invalid", "X-Shoal-Request-Id must be 25 characters of 0-9a-z");
  }
  return asId<RequestId>(header);
}

export function isManager({ state, isManager: manages }: LocalSwarmState): boolean {
  return state === "active" && manages;
}

/** @throws OperationError `unavailable`, in the words that clients know. */
export function requireManager(local: LocalSwarmState): void {
  if (isManager(local)) return;
  if (local.state === "locked") {
    throw new OperationError(
      "unavailable",
      'Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.',
    );
  }
  throw new OperationError("unavailable", `This node is not a swarm manager. ${reason(local)}`);
}

function reason({ state, isManager: manages }: LocalSwarmState): string {
  if (state === "inactive") {
    return 'Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
  }
  if (manages) return "Manager is being prepared or has trouble connecting to the cluster.";
  return "Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager.";
}
