import type * as model from "../model/control.ts";
import type { ClusterEvent } from "../model/cluster-event.ts";
import { ERROR_KINDS } from "../lib/errors.ts";
import type { RequestId } from "../model/ids.ts";
import * as wire from "../gen/control.ts";
import {
  bytes,
  bytesOf,
  type BytesCodec,
  type Codec,
  flag,
  id,
  labels,
  list,
  map,
  needed,
  number,
  optional,
  record,
  text,
  union,
  UnknownWireValue,
  word,
  wrappedList,
} from "./combinators.ts";
import { blobSpec, cluster, clusterSpec, config, network, networkSpec, node, nodeSpec, secret, task } from "./objects.ts";
import { revision, service, serviceSpec } from "./service.ts";

type Request<Kind extends model.ControlRequest["kind"]> = Omit<Extract<model.ControlRequest, { readonly kind: Kind }>, "kind">;
type Response<Kind extends model.ControlResponse["kind"]> = Omit<Extract<model.ControlResponse, { readonly kind: Kind }>, "kind">;

const nothing = record<Record<never, never>, wire.Nothing>({});
const byIdOrName = record<{ readonly idOrName: string }, wire.ByIdOrName>({ idOrName: text });
const byFilters = record<{ readonly filters: model.Filters }, wire.ByFilters>({ filters: map(wrappedList(text)) });
const replacement = { id: text, version: number, data: bytes, reloadSignal: optional(text) };
const createBlob = record<Request<"create-secret">, wire.CreateBlob>({ spec: needed(blobSpec) });

const requestCases = union<model.ControlRequest, NonNullable<wire.ControlCallRequest["request"]>>({
  "get-cluster": ["getCluster", nothing],
  "update-cluster": [
    "updateCluster",
    record<Request<"update-cluster">, wire.UpdateCluster>({
      version: number,
      spec: needed(clusterSpec),
      rotateWorkerToken: flag,
      rotateManagerToken: flag,
      signingCa: optional(record<model.SigningCa, wire.UpdateCluster_SigningCa>({ certificatePem: text, keyPem: text })),
      rotateUnlockKey: flag,
    }),
  ],
  "get-unlock-key": ["getUnlockKey", nothing],
  "create-service": ["createService", record<Request<"create-service">, wire.CreateService>({ spec: needed(serviceSpec) })],
  "update-service": [
    "updateService",
    record<Request<"update-service">, wire.UpdateService>({
      id: text,
      version: number,
      spec: needed(serviceSpec),
      rollback: flag,
    }),
  ],
  "remove-service": ["removeService", byIdOrName],
  "get-service": ["getService", byIdOrName],
  "list-services": ["listServices", byFilters],
  "get-task": ["getTask", record<Request<"get-task">, wire.ById>({ id: text })],
  "list-tasks": ["listTasks", byFilters],
  "get-node": ["getNode", byIdOrName],
  "list-nodes": ["listNodes", byFilters],
  "update-node": [
    "updateNode",
    record<Request<"update-node">, wire.UpdateNode>({ id: text, version: number, spec: needed(nodeSpec) }),
  ],
  "remove-node": ["removeNode", record<Request<"remove-node">, wire.RemoveNode>({ idOrName: text, force: flag })],
  "create-network": ["createNetwork", record<Request<"create-network">, wire.CreateNetwork>({ spec: needed(networkSpec) })],
  "get-network": ["getNetwork", byIdOrName],
  "list-networks": ["listNetworks", byFilters],
  "remove-network": ["removeNetwork", byIdOrName],
  "attach-container": [
    "attachContainer",
    record<Request<"attach-container">, wire.AttachContainer>({
      id: id(),
      nodeId: id(),
      network: text,
      containerId: text,
      containerName: text,
      aliases: list(text),
      addresses: list(text),
    }),
  ],
  "detach-container": ["detachContainer", record<Request<"detach-container">, wire.DetachContainer>({ id: id(), nodeId: id() })],
  "create-secret": ["createSecret", createBlob],
  "get-secret": ["getSecret", byIdOrName],
  "list-secrets": ["listSecrets", byFilters],
  "replace-secret": ["replaceSecret", record<Request<"replace-secret">, wire.ReplaceBlob>(replacement)],
  "replace-config": ["replaceConfig", record<Request<"replace-config">, wire.ReplaceBlob>(replacement)],
  "update-secret": [
    "updateSecret",
    record<Request<"update-secret">, wire.UpdateBlob>({ id: text, version: number, spec: needed(blobSpec) }),
  ],
  "remove-secret": ["removeSecret", byIdOrName],
  "create-config": ["createConfig", createBlob],
  "get-config": ["getConfig", byIdOrName],
  "list-configs": ["listConfigs", byFilters],
  "update-config": [
    "updateConfig",
    record<Request<"update-config">, wire.UpdateBlob>({ id: text, version: number, spec: needed(blobSpec) }),
  ],
  "remove-config": ["removeConfig", byIdOrName],
  "state-hash": ["stateHash", nothing],
});

export interface ControlCall {
  readonly requestId: RequestId;
  /** A manager has passed it on already: it is not passed on again. */
  readonly isForwarded: boolean;
  /** See `ControlCallOptions`. */
  readonly mayRepeat: boolean;
  readonly request: model.ControlRequest;
}

const requestId = id<RequestId>();

export const controlCall: Codec<ControlCall, wire.ControlCallRequest> = {
  toWire: call => ({
    requestId: call.requestId,
    isForwarded: call.isForwarded,
    mayRepeat: call.mayRepeat,
    request: requestCases.toWire(call.request),
  }),
  fromWire: message => ({
    requestId: requestId.fromWire(message.requestId),
    isForwarded: message.isForwarded,
    mayRepeat: message.mayRepeat,
    request: requestCases.fromWire(message.request),
  }),
};

const serviceView = record<model.ServiceView, wire.ServiceView>({
  service: needed(service),
  runningTasks: number,
  desiredTasks: number,
  completedTasks: number,
});
const taskView = record<model.TaskView, wire.TaskView>({
  task: needed(task),
  revision: needed(revision),
  serviceName: text,
  networks: list(network),
});
const nodeView = record<model.NodeView, wire.NodeView>({ node: needed(node), isLeader: flag, isReachable: flag });

const outcomeCases = union<model.RequestOutcome, NonNullable<wire.ControlCallResponse["response"]>>({
  done: ["done", nothing],
  created: ["created", record<Response<"created">, wire.Created>({ id: text, warnings: list(text) })],
  cluster: ["cluster", record<Response<"cluster">, wire.ClusterAnswer>({ cluster: needed(cluster) })],
  "unlock-key": ["unlockKey", record<Response<"unlock-key">, wire.UnlockKey>({ version: number, key: optional(bytes) })],
  services: ["services", record<Response<"services">, wire.Services>({ services: list(serviceView) })],
  tasks: ["tasks", record<Response<"tasks">, wire.Tasks>({ tasks: list(taskView) })],
  nodes: ["nodes", record<Response<"nodes">, wire.Nodes>({ nodes: list(nodeView) })],
  networks: ["networks", record<Response<"networks">, wire.Networks>({ networks: list(network) })],
  secrets: ["secrets", record<Response<"secrets">, wire.Secrets>({ secrets: list(secret) })],
  configs: ["configs", record<Response<"configs">, wire.Configs>({ configs: list(config) })],
  "state-hash": ["stateHash", record<Response<"state-hash">, wire.StateHash>({ index: number, hash: text })],
  refusal: ["refusal", record<Omit<model.Refusal, "kind">, wire.Refusal>({ errorKind: word(ERROR_KINDS), message: text })],
});

const requestOutcome: Codec<model.RequestOutcome, wire.ControlCallResponse> = {
  toWire: outcome => ({ response: outcomeCases.toWire(outcome) }),
  fromWire: message => outcomeCases.fromWire(message.response),
};

export const requestOutcomeBytes: BytesCodec<model.RequestOutcome> = bytesOf(requestOutcome, wire.ControlCallResponse);

export const controlResponse: Codec<model.ControlResponse, wire.ControlCallResponse> = {
  toWire: requestOutcome.toWire,
  fromWire(message) {
    const outcome = requestOutcome.fromWire(message);
    if (outcome.kind === "refusal") throw new UnknownWireValue("a refusal as an answer");
    return outcome;
  },
};

export const clusterEvent = record<ClusterEvent, wire.ClusterEvent>({
  type: word(["node", "service", "network", "secret", "config"]),
  action: word(["create", "update", "remove"]),
  id: text,
  attributes: labels,
});
