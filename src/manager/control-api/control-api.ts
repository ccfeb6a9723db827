import { assertNever } from "../../lib/assert.ts";
import type { ControlCaller, ControlCallOptions, ControlRequest, ControlResponse } from "../../model/control.ts";
import type { Certificates } from "../../ports/certificates.ts";
import type { ExternalSigner } from "../../ports/external-signer.ts";
import { Mutations, type MutationsOptions, type PlanMutation } from "./mutations.ts";
import { attachContainer, detachContainer } from "./attachments.ts";
import { createBlob, listBlobs, removeBlob, replaceBlob, updateBlob, withoutData } from "./blobs.ts";
import { prepareClusterUpdate, theCluster, unlockKeyOf, withoutKeys } from "./cluster.ts";
import { find } from "./find.ts";
import { untilReleased } from "./network-release.ts";
import { createNetwork, listNetworks, removeNetwork } from "./networks.ts";
import { listNodes, removeNode, updateNode, viewOfNode } from "./nodes.ts";
import { createService, listServices, removeService, updateService, viewsOfServices } from "./services.ts";
import { Pace } from "./pace.ts";
import { listTasks, viewOfTask } from "./tasks.ts";
import { OperationError } from "../../lib/errors.ts";

export interface ControlApiOptions extends MutationsOptions {
  readonly certificates: Certificates;
  readonly external: ExternalSigner;
}

type Read = Extract<ControlRequest, { readonly kind: `get-${string}` | `list-${string}` }>;
type Write = Exclude<ControlRequest, Read | { readonly kind: "state-hash" }>;

export function isRead(request: ControlRequest): request is Read | Extract<ControlRequest, { readonly kind: "state-hash" }> {
  return request.kind === "state-hash" || request.kind.startsWith("get-") || request.kind.startsWith("list-");
}

/**
 * Answers control calls on this manager: reads once everything acknowledged has been applied here, writes only while it leads.
 * @throws OperationError in Docker's words; `unavailable` when a write finds that this manager does not lead.
 */
export function createControlApi(options: ControlApiOptions): ControlCaller {
  const { store, consensus } = options;
  const mutations = new Mutations(options);
  return {
    async call(request, call) {
      const { signal } = call;
      const waiting = signal === undefined ? {} : { signal };
      if (request.kind === "state-hash")
        return { kind: "state-hash", ...(await store.stateHash({ pause: () => new Pace().nextTurn() })) };
      if (!isRead(request)) return await write(request, call);
      await consensus.readBarrier(waiting);
      return await read(request, options);
    },
  };

  async function write(request: Write, call: ControlCallOptions): Promise<ControlResponse> {
    const { signal } = call;
    if (request.kind === "remove-network" && consensus.status().role === "leader")
      await untilReleased(() => store.view(), request.idOrName, { clock: options.clock, ...(signal && { signal }) });
    if (request.kind !== "update-cluster") return await mutations.run(() => planOf(request), call);
    return await mutations.run(
      view => prepareClusterUpdate(request, { ...options, view, nowMs: options.clock.nowMs(), ...(signal && { signal }) }),
      call,
    );
  }
}

function planOf(request: Exclude<Write, { readonly kind: "update-cluster" }>): PlanMutation {
  switch (request.kind) {
    case "create-service":
      return createService(request.spec);
    case "update-service":
      return updateService(request);
    case "remove-service":
      return removeService(request.idOrName);
    case "update-node":
      return updateNode(request);
    case "remove-node":
      return removeNode(request.idOrName, request);
    case "create-network":
      return createNetwork(request.spec);
    case "remove-network":
      return removeNetwork(request.idOrName);
    case "attach-container":
      return attachContainer(request);
    case "detach-container":
      return detachContainer(request);
    case "create-secret":
      return createBlob("secret", request.spec);
    case "update-secret":
      return updateBlob("secret", request);
    case "replace-secret":
      return replaceBlob("secret", request);
    case "remove-secret":
      return removeBlob("secret", request.idOrName);
    case "create-config":
      return createBlob("config", request.spec);
    case "update-config":
      return updateBlob("config", request);
    case "replace-config":
      return replaceBlob("config", request);
    case "remove-config":
      return removeBlob("config", request.idOrName);
    default:
      return assertNever(request);
  }
}

async function read(request: Read, { store, consensus }: ControlApiOptions): Promise<ControlResponse> {
  const view = store.view();
  switch (request.kind) {
    case "get-cluster":
      return { kind: "cluster", cluster: withoutKeys(theCluster(view)) };
    case "get-unlock-key":
      return { kind: "unlock-key", ...unlockKeyOf(theCluster(view)) };
    case "get-service":
      return { kind: "services", services: await viewsOfServices(view, [find(view, "service", request.idOrName)]) };
    case "list-services":
      return { kind: "services", services: await viewsOfServices(view, listServices(view, request.filters)) };
    case "get-task": {
      const task = viewOfTask(view, find(view, "task", request.id));
      if (task === undefined) throw new OperationError("not-found", `task ${request.id} not found`);
      return { kind: "tasks", tasks: [task] };
    }
    case "list-tasks":
      return { kind: "tasks", tasks: await listTasks(view, request.filters) };
    case "get-node":
      return { kind: "nodes", nodes: [viewOfNode(find(view, "node", request.idOrName), consensus.status())] };
    case "list-nodes":
      return { kind: "nodes", nodes: listNodes(view, request.filters).map(node => viewOfNode(node, consensus.status())) };
    case "get-network":
      return { kind: "networks", networks: [find(view, "network", request.idOrName)] };
    case "list-networks":
      return { kind: "networks", networks: listNetworks(view, request.filters) };
    case "get-secret":
      return { kind: "secrets", secrets: [withoutData(find(view, "secret", request.idOrName))] };
    case "list-secrets":
      return { kind: "secrets", secrets: listBlobs(view, "secret", request.filters).map(withoutData) };
    case "get-config":
      return { kind: "configs", configs: [find(view, "config", request.idOrName)] };
    case "list-configs":
      return { kind: "configs", configs: listBlobs(view, "config", request.filters) };
    default:
      return assertNever(request);
  }
}
