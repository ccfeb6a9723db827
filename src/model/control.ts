import type {
  Cluster,
  ClusterSpec,
  Config,
  Network,
  NetworkSpec,
  Node,
  NodeSpec,
  Reloading,
  Revision,
  Secret,
  Service,
  ServiceSpec,
  Task,
} from "./cluster.ts";
import type { ErrorKind } from "../lib/errors.ts";
import type { UnlockKey } from "./unlock-key.ts";
import type { NetworkId, NodeId, RequestId, TaskId } from "./ids.ts";

/** Filters as Docker's clients send them: `{"name": ["web"], "label": ["a=b"]}`. Several values of one key: any; several keys: all. */
export type Filters = Readonly<Record<string, readonly string[]>>;

/** The key may be missing: then somebody else would sign. */
export interface SigningCa {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Calls that REST makes to the managers. A follower passes each one to the leader or, for reads, waits for its read index and answers itself. */
export type ControlRequest =
  | { readonly kind: "get-cluster" }
  | {
      readonly kind: "update-cluster";
      readonly version: number;
      readonly spec: ClusterSpec;
      readonly rotateWorkerToken: boolean;
      readonly rotateManagerToken: boolean;
      /** The root that the cluster is to have from now on. */
      readonly signingCa?: SigningCa;
      readonly rotateUnlockKey: boolean;
    }
  /** For managers, and for users who may see the key. */
  | { readonly kind: "get-unlock-key" }
  // An `id` of what is to change may be a name too: it is looked up where it is changed. There a request that is tried again is known, whatever
  // became of its object since.
  | { readonly kind: "create-service"; readonly spec: ServiceSpec }
  /** `rollback: true` puts the previous spec back and ignores `spec`. */
  | {
      readonly kind: "update-service";
      readonly id: string;
      readonly version: number;
      readonly spec: ServiceSpec;
      readonly rollback: boolean;
    }
  | { readonly kind: "remove-service"; readonly idOrName: string }
  | { readonly kind: "get-service"; readonly idOrName: string }
  | { readonly kind: "list-services"; readonly filters: Filters }
  | { readonly kind: "get-task"; readonly id: string }
  | { readonly kind: "list-tasks"; readonly filters: Filters }
  | { readonly kind: "get-node"; readonly idOrName: string }
  | { readonly kind: "list-nodes"; readonly filters: Filters }
  | { readonly kind: "update-node"; readonly id: string; readonly version: number; readonly spec: NodeSpec }
  | { readonly kind: "remove-node"; readonly idOrName: string; readonly force: boolean }
  | { readonly kind: "create-network"; readonly spec: NetworkSpec }
  | { readonly kind: "get-network"; readonly idOrName: string }
  | { readonly kind: "list-networks"; readonly filters: Filters }
  | { readonly kind: "remove-network"; readonly idOrName: string }
  /** A container made by hand wants an address on a network that allows it, or has other names there. */
  | ({ readonly kind: "attach-container" } & AttachmentRequest)
  | { readonly kind: "detach-container"; readonly id: TaskId; readonly nodeId: NodeId }
  | { readonly kind: "create-secret"; readonly spec: Secret["spec"] }
  | { readonly kind: "get-secret"; readonly idOrName: string }
  | { readonly kind: "list-secrets"; readonly filters: Filters }
  | { readonly kind: "update-secret"; readonly id: string; readonly version: number; readonly spec: Secret["spec"] }
  | ({ readonly kind: "replace-secret"; readonly id: string } & Replacement)
  | { readonly kind: "remove-secret"; readonly idOrName: string }
  | { readonly kind: "create-config"; readonly spec: Config["spec"] }
  | { readonly kind: "get-config"; readonly idOrName: string }
  | { readonly kind: "list-configs"; readonly filters: Filters }
  | { readonly kind: "update-config"; readonly id: string; readonly version: number; readonly spec: Config["spec"] }
  | ({ readonly kind: "replace-config"; readonly id: string } & Replacement)
  | { readonly kind: "remove-config"; readonly idOrName: string }
  /** A hash of this very manager's store at the index it has applied; never forwarded. For tests and support. */
  | { readonly kind: "state-hash" };

/** Other data for a secret or a config. */
export interface Replacement extends Reloading {
  readonly version: number;
  readonly data: Uint8Array;
}

export interface AttachmentRequest {
  /** Made by the node, so that asking again asks for the same. */
  readonly id: TaskId;
  readonly nodeId: NodeId;
  /** Its id or its name. */
  readonly network: string;
  readonly containerId: string;
  readonly containerName: string;
  /** Further names of it on the network. */
  readonly aliases: readonly string[];
  /** Empty: any. */
  readonly addresses: readonly string[];
}

export type ControlResponse =
  | { readonly kind: "done" }
  | { readonly kind: "created"; readonly id: string; readonly warnings: readonly string[] }
  | { readonly kind: "cluster"; readonly cluster: Cluster }
  | ({ readonly kind: "unlock-key" } & UnlockKey)
  | { readonly kind: "services"; readonly services: readonly ServiceView[] }
  | { readonly kind: "tasks"; readonly tasks: readonly TaskView[] }
  | { readonly kind: "nodes"; readonly nodes: readonly NodeView[] }
  | { readonly kind: "networks"; readonly networks: readonly Network[] }
  | { readonly kind: "secrets"; readonly secrets: readonly Secret[] }
  | { readonly kind: "configs"; readonly configs: readonly Config[] }
  | { readonly kind: "state-hash"; readonly index: number; readonly hash: string };

/** What was wrong with a request. Callers get it thrown. */
export interface Refusal {
  readonly kind: "refusal";
  readonly errorKind: ErrorKind;
  readonly message: string;
}

/** What came of a user's write, as replicated state keeps it for its other tries. */
export type RequestOutcome = ControlResponse | Refusal;

/** get-x answers with a list of one. */
export interface ServiceView {
  readonly service: Service;
  readonly runningTasks: number;
  readonly desiredTasks: number;
  readonly completedTasks: number;
}

/** A task joined with the revision it runs, as REST shows it. */
export interface TaskView {
  readonly task: Task;
  readonly revision: Revision;
  readonly serviceName: string;
  readonly networks: readonly Network[];
}

export interface NodeView {
  readonly node: Node;
  /** Only on managers. */
  readonly isLeader: boolean;
  readonly isReachable: boolean;
}

export interface ControlCallOptions {
  readonly requestId: RequestId;
  /**
   * Another try with the same id may be on its way somewhere, and be read at any time: what this one is answered stands for that too, also when
   * it is refused. A refusal costs an entry of the log then.
   */
  readonly mayRepeat?: boolean;
  readonly signal?: AbortSignal;
}

/** One call: REST states this; the manager's control API does it, through rpc. */
export interface ControlCaller {
  /** @throws OperationError of any kind, in Docker's words. */
  call(request: ControlRequest, options: ControlCallOptions): Promise<ControlResponse>;
}

export type { NetworkId };
