import type { LocalSwarmState, SwarmMembershipBackend } from "../../src/api/swarm-backend.ts";
import { assert } from "../../src/lib/assert.ts";
import { OperationError } from "../../src/lib/errors.ts";
import type {
  Cluster,
  Config,
  Network,
  NetworkSpec,
  Node,
  ObjectMeta,
  Secret,
  Service,
  ServiceSpec,
} from "../../src/model/cluster.ts";
import type {
  ControlCaller,
  ControlCallOptions,
  ControlRequest,
  ControlResponse,
  NodeView,
  ServiceView,
  TaskView,
} from "../../src/model/control.ts";
import { asId } from "../../src/model/ids.ts";
import type { RequestId } from "../../src/model/ids.ts";
import type { UnlockKey } from "../../src/model/unlock-key.ts";

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const INACTIVE: LocalSwarmState = {
  state: "inactive",
  nodeId: "",
  nodeAddress: "",
  isManager: false,
  error: "",
  remoteManagers: [],
};
const NODE_ID = "node1".padEnd(25, "0");

/** Managers in memory: specs are kept, and each replica is at once a running task. */
export class FakeCluster implements ControlCaller {
  local: LocalSwarmState = INACTIVE;
  /** Requests as they came. */
  readonly calls: (ControlCallOptions & { readonly request: ControlRequest })[] = [];
  readonly #services = new Map<string, Service>();
  readonly #networks = new Map<string, Network>();
  readonly #secrets = new Map<string, Secret>();
  readonly #configs = new Map<string, Config>();
  readonly #results = new Map<RequestId, ControlResponse>();
  #cluster: Cluster = aCluster();
  #node: Node = aNode();
  #version = 10;

  /** Why no settings are taken. */
  refusedSettings: string | undefined;
  /** Unlock keys that this node was told to keep its keys under. */
  readonly adopted: UnlockKey[] = [];

  readonly membership: SwarmMembershipBackend = {
    local: () => this.local,
    init: async ({ defaultAddressPool }) => {
      this.#cluster = { ...this.#cluster, defaultAddressPool };
      const remoteManagers = [{ nodeId: NODE_ID, address: "10.0.0.1:2377" }];
      this.local = { state: "active", nodeId: NODE_ID, nodeAddress: "10.0.0.1", isManager: true, error: "", remoteManagers };
      return { nodeId: NODE_ID };
    },
    join: async () => void (this.local = { ...INACTIVE, state: "active", nodeId: NODE_ID }),
    leave: async () => void (this.local = INACTIVE),
    unlock: async () => {
      throw new OperationError("conflict", "swarm is not locked");
    },
    async *backup() {
      yield Buffer.from("state");
    },
    restore: async ({ bytes, unlockKey, advertiseAddress }) => {
      const parts: Uint8Array[] = [];
      for await (const part of bytes) parts.push(part);
      const body = Buffer.concat(parts).toString();
      if (body !== "state" || unlockKey !== "key") throw new OperationError("invalid", `no backup: ${body} ${unlockKey}`);
      return { nodeId: `restored at ${advertiseAddress}` };
    },
    adoptUnlockKey: async unlock => void this.adopted.push(unlock),
  };

  async call(request: ControlRequest, options: ControlCallOptions): Promise<ControlResponse> {
    this.calls.push({ request, ...options });
    const { requestId } = options;
    const first = this.#results.get(requestId);
    if (first !== undefined) return first;
    const response = this.#carryOut(request);
    if (!/^(?:get|list)-/.test(request.kind)) this.#results.set(requestId, response);
    return response;
  }

  #meta(): ObjectMeta {
    return { version: ++this.#version, createdAtMs: NOW_MS, updatedAtMs: NOW_MS };
  }

  #newId<Id extends string>(kind: string): Id {
    return `${kind}${++this.#version}`.padEnd(25, "0") as Id;
  }

  #carryOut(request: ControlRequest): ControlResponse {
    switch (request.kind) {
      case "get-cluster":
        return { kind: "cluster", cluster: this.#cluster };
      case "update-cluster":
        if (this.refusedSettings !== undefined) throw new OperationError("invalid", this.refusedSettings);
        this.#checkVersion(this.#cluster, request.version);
        this.#cluster = { ...this.#cluster, ...this.#meta(), spec: request.spec };
        return { kind: "done" };
      case "get-unlock-key":
        return { kind: "unlock-key", version: this.#cluster.version };
      case "create-service":
        return this.#createService(request.spec);
      case "update-service":
        return this.#updateService(request);
      case "remove-service":
        this.#services.delete(find("service", request.idOrName, this.#services).id);
        return { kind: "done" };
      case "get-service":
        return { kind: "services", services: [view(find("service", request.idOrName, this.#services))] };
      case "list-services":
        return { kind: "services", services: [...this.#services.values()].map(view) };
      case "list-tasks":
        return { kind: "tasks", tasks: this.#tasks(request.filters["service"]) };
      case "get-task": {
        const task = this.#tasks().find(({ task: { id } }) => id === request.id);
        if (task === undefined) throw new OperationError("not-found", `task ${request.id} not found`);
        return { kind: "tasks", tasks: [task] };
      }
      case "get-node":
        this.#checkNode(request.idOrName);
        return { kind: "nodes", nodes: [this.#nodeView()] };
      case "list-nodes":
        return { kind: "nodes", nodes: [this.#nodeView()] };
      case "update-node":
        this.#checkNode(request.id);
        this.#checkVersion(this.#node, request.version);
        this.#node = { ...this.#node, ...this.#meta(), spec: request.spec };
        return { kind: "done" };
      case "create-network":
        return this.#createNetwork(request.spec);
      case "get-network":
        return { kind: "networks", networks: [find("network", request.idOrName, this.#networks)] };
      case "list-networks":
        return { kind: "networks", networks: [...this.#networks.values()] };
      case "remove-network":
        this.#networks.delete(find("network", request.idOrName, this.#networks).id);
        return { kind: "done" };
      case "create-secret": {
        const id = this.#newId<Secret["id"]>("secret");
        this.#secrets.set(id, { id, ...this.#meta(), spec: request.spec });
        return { kind: "created", id, warnings: [] };
      }
      case "get-secret":
        return { kind: "secrets", secrets: [find("secret", request.idOrName, this.#secrets)] };
      case "list-secrets":
        return { kind: "secrets", secrets: [...this.#secrets.values()] };
      case "create-config": {
        const id = this.#newId<Config["id"]>("config");
        this.#configs.set(id, { id, ...this.#meta(), spec: request.spec });
        return { kind: "created", id, warnings: [] };
      }
      case "get-config":
        return { kind: "configs", configs: [find("config", request.idOrName, this.#configs)] };
      case "list-configs":
        return { kind: "configs", configs: [...this.#configs.values()] };
      default:
        throw new OperationError("internal", `${request.kind} is not in this fake`);
    }
  }

  #checkVersion(object: ObjectMeta, version: number): void {
    if (object.version !== version) throw new OperationError("conflict", "update out of sequence");
  }

  #createService(spec: ServiceSpec): ControlResponse {
    if ([...this.#services.values()].some(service => service.spec.name === spec.name)) {
      throw new OperationError("conflict", `name conflicts with an existing object: service ${spec.name} already exists`);
    }
    const id = this.#newId<Service["id"]>("service");
    const endpoint = { ports: spec.endpoint?.ports ?? [], virtualIps: [] };
    const revisionId = this.#newId<Service["revisionId"]>("revision");
    const job = spec.mode.kind.endsWith("job") ? { job: { iteration: 0, lastExecutedAtMs: 0 } } : {};
    this.#services.set(id, { id, ...this.#meta(), spec, revisionId, endpoint, isRemoving: false, isRollingBack: false, ...job });
    return { kind: "created", id, warnings: [] };
  }

  #updateService({ id, version, spec, rollback }: ControlRequest & { readonly kind: "update-service" }): ControlResponse {
    const service = find("service", id, this.#services);
    this.#checkVersion(service, version);
    const next = rollback ? service.previousSpec : spec;
    if (next === undefined) throw new OperationError("invalid", `service ${id} does not have a previous spec`);
    const revisionId = this.#newId<Service["revisionId"]>("revision");
    this.#services.set(service.id, { ...service, ...this.#meta(), spec: next, previousSpec: service.spec, revisionId });
    return { kind: "done" };
  }

  #checkNode(idOrName: string): void {
    if (![this.#node.id, "m1", "self"].includes(idOrName)) throw new OperationError("not-found", `node ${idOrName} not found`);
  }

  #createNetwork(spec: NetworkSpec): ControlResponse {
    const id = this.#newId<Network["id"]>("network");
    this.#networks.set(id, { id, ...this.#meta(), spec, vxlanId: 4097, ipam: [{ subnet: "10.0.1.0/24", gateway: "10.0.1.1" }] });
    return { kind: "created", id, warnings: [] };
  }

  #tasks(services?: readonly string[]): readonly TaskView[] {
    return [...this.#services.values()]
      .filter(({ id, spec }) => services === undefined || services.includes(id) || services.includes(spec.name))
      .flatMap(service => {
        const count = service.spec.mode.kind === "replicated" ? service.spec.mode.replicas : 1;
        return Array.from({ length: count }, (_, index) => aTask(service, index + 1));
      });
  }

  #nodeView(): NodeView {
    return { node: this.#node, isLeader: true, isReachable: true };
  }
}

function find<T extends { readonly id: string; readonly spec: { readonly name: string } }>(
  what: string,
  idOrName: string,
  objects: ReadonlyMap<string, T>,
): T {
  for (const object of objects.values()) if (object.id === idOrName || object.spec.name === idOrName) return object;
  throw new OperationError("not-found", `${what} ${idOrName} not found`);
}

function view(service: Service): ServiceView {
  const count = service.spec.mode.kind === "replicated" ? service.spec.mode.replicas : 1;
  return { service, runningTasks: count, desiredTasks: count, completedTasks: 0 };
}

function aTask(service: Service, slot: number): TaskView {
  const meta = { version: 5, createdAtMs: NOW_MS, updatedAtMs: NOW_MS };
  return {
    task: {
      id: asId(`task${slot}${service.id}`.slice(0, 25)),
      ...meta,
      serviceId: service.id,
      revisionId: service.revisionId,
      slot,
      nodeId: asId(NODE_ID),
      desiredState: "running",
      status: {
        state: "running",
        atMs: NOW_MS,
        message: "started",
        container: { containerId: "c".repeat(64), pid: 7, exitCode: 0 },
      },
      networks: [],
      hostPorts: [],
      ...(service.job !== undefined && { jobIteration: service.job.iteration }),
    },
    revision: {
      id: service.revisionId,
      ...meta,
      serviceId: service.id,
      task: service.spec.task,
      endpoint: service.spec.endpoint ?? { mode: "vip", ports: [] },
    },
    serviceName: service.spec.name,
    networks: [],
  };
}

function aNode(): Node {
  assert(NODE_ID.length === 25, "node id");
  return {
    id: asId(NODE_ID),
    version: 3,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    spec: { labels: {}, role: "manager", availability: "active" },
    description: {
      hostname: "m1",
      platform: { architecture: "x86_64", os: "linux" },
      resources: { nanoCpus: 2e9, memoryBytes: 2 ** 30 },
      engine: { version: "0.1.0", labels: {}, plugins: [{ type: "Network", name: "overlay" }] },
    },
    role: "manager",
    status: { state: "ready", message: "", address: "10.0.0.1" },
    manager: { raftId: 1, address: "10.0.0.1:2377" },
  };
}

function aCluster(): Cluster {
  return {
    id: asId("cluster".padEnd(25, "0")),
    version: 2,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    spec: {
      name: "default",
      labels: {},
      taskHistoryLimit: 5,
      heartbeatPeriodNs: 1e9,
      nodeCertExpiryNs: 7_776_000e9,
      autoLockManagers: false,
      snapshotInterval: 10_000,
      logEntriesForSlowFollowers: 500,
      forceRotate: 0,
    },
    rootCa: { certificatePem: "PEM", keyPem: "KEY", joinTokenWorker: "SWMTKN-1-a-w", joinTokenManager: "SWMTKN-1-a-m" },
    defaultAddressPool: ["10.0.0.0/8"],
    subnetSize: 24,
    dataPathPort: 4789,
  };
}
