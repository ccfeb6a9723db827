import { join } from "node:path";
import type { NodeDescription, NodeRole } from "../../model/cluster.ts";
import { LOG_DRIVERS } from "../../model/container.ts";
import { asId, type NodeId } from "../../model/ids.ts";
import type { SessionDown } from "../../model/session.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { AttachmentCalls } from "../../network/attachments.ts";
import { ClusterNetwork } from "../../network/cluster-network.ts";
import { openSession } from "../../rpc/session-client.ts";
import { Agent, type AgentOptions } from "../../worker/agent.ts";
import { EngineExecutor } from "../../worker/engine-executor.ts";
import { TaskFileStore } from "../../worker/task-file-store.ts";
import { LevelTaskDb } from "../../worker/task-db.ts";
import { tlsOf } from "../../system/certificate-chain.ts";
import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";
import type { Engine } from "../engine.ts";
import type { SwarmNodeOptions } from "./swarm-node.ts";

export interface WorkerNodeOptions extends SwarmNodeOptions {
  readonly nodeId: NodeId;
  /** As it is now. */
  readonly advertiseHost: () => string;
  readonly dataPathHost: string | undefined;
  readonly taskDirectory: string;
  /** Asked for each session. */
  readonly identity: () => NodeIdentity;
  readonly managers: () => readonly string[];
  readonly onManagers: AgentOptions["onManagers"];
  readonly onAuthority: AgentOptions["onAuthority"];
  /** The role that this node is to have; `undefined`: the one of its certificate. */
  readonly onRole: (role: NodeRole | undefined) => void;
  /** A manager did not admit the certificate. */
  readonly onRefused: () => void;
  /** For containers made by hand on the cluster's networks. */
  readonly attachments: AttachmentCalls;
  /** Where this node calls the manager at `address`. */
  readonly placeOf: (address: string) => string;
  /** Resolves when it is worth trying to reach the manager at `address`. */
  readonly untilReachable: (address: string, options: { readonly signal: AbortSignal }) => Promise<void>;
}

/** The worker part of a swarm node: runs what the managers assign to it. */
export class WorkerNode implements AsyncDisposable {
  readonly #options: WorkerNodeOptions;
  readonly #over = new AbortController();
  readonly #db: LevelTaskDb;
  readonly #network: ClusterNetwork;
  readonly #executor: EngineExecutor;
  #agent: Agent | undefined;
  #renewed = new AbortController();
  #isConnected = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(
    options: WorkerNodeOptions,
    parts: { readonly db: LevelTaskDb; readonly network: ClusterNetwork; readonly executor: EngineExecutor },
  ) {
    this.#options = options;
    this.#db = parts.db;
    this.#network = parts.network;
    this.#executor = parts.executor;
  }

  static async start(options: WorkerNodeOptions): Promise<WorkerNode> {
    const { engine, clock, random, log, managers, onManagers, onAuthority } = options;
    const db = await LevelTaskDb.open(options.taskDirectory);
    const { network, executor } = await createExecutor(options);
    network.useCalls(options.attachments);
    const worker = new WorkerNode(options, { db, network, executor });
    const agent = new Agent({
      ...{ executor, db, clock, random, log, managers, onManagers, onAuthority },
      openSession: (address, session) => worker.#session(address, session),
      describe: async () => ({
        description: {
          ...describeNode(engine),
          tls: tlsOf(options.identity()),
          ...(options.dataPathHost !== undefined && { dataPathAddress: options.dataPathHost }),
        },
        address: options.advertiseHost(),
      }),
    });
    worker.#agent = agent;
    worker.#running = agent.run({ signal: worker.#over.signal }).catch((error: unknown) => {
      if (!worker.#over.signal.aborted) throw error;
    });
    return worker;
  }

  get clusterNetwork(): ClusterNetwork {
    return this.#network;
  }

  /** A manager has taken this node's session. */
  isConnected(): boolean {
    return this.#isConnected;
  }

  /** Before the node leaves its swarm: containers made by hand are taken off the cluster's networks, and run on. */
  async disconnectContainers(): Promise<void> {
    const attached = this.#network.attached();
    await disconnect(this.#network, this.#options);
    await Promise.all(attached.map(({ containerId }) => this.#network.letGo(asId(containerId))));
  }

  /** When the node has left its swarm: no task of it stays. */
  async removeAll(): Promise<void> {
    await removeTasks({ executor: this.#executor, network: this.#network });
  }

  /** The managers are told of this node's certificate and address as they are now. */
  describeAgain(): void {
    this.#agent?.describeAgain().catch((error: unknown) => {
      this.#options.log.warn({ error: errorMessage(error) }, "the managers could not be told of this node anew");
    });
  }

  /** The next session shows the new certificate, and comes now. */
  reconnect(): void {
    this.#renewed.abort();
    this.#renewed = new AbortController();
    this.#agent?.retryNow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new OperationError("cancelled", "the worker is stopping"));
    await this.#running;
    await this.#db[Symbol.asyncDispose]();
  }

  async *#session(
    address: string,
    { up, connectMs, signal }: Parameters<AgentOptions["openSession"]>[1],
  ): AsyncGenerator<SessionDown, void, undefined> {
    const { identity, clock, placeOf, untilReachable, onRole, onRefused } = this.#options;
    await untilReachable(address, { signal });
    const until = AbortSignal.any([signal, this.#renewed.signal]);
    const session = { identity: identity(), up, connectMs, clock, signal: until };
    try {
      for await (const message of openSession({ address: placeOf(address), ...session })) {
        this.#isConnected = true;
        if (message.kind === "welcome") onRole(undefined);
        if (message.kind === "role") onRole(message.role);
        else yield message;
      }
    } catch (error) {
      if (until.aborted && !signal.aborted) return;
      if (errorKind(error) === "forbidden" || errorKind(error) === "not-found") onRefused();
      throw error;
    } finally {
      this.#isConnected = false;
    }
  }
}

type ExecutorOptions = SwarmNodeOptions & { readonly nodeId: NodeId };
interface ExecutorParts {
  readonly network: ClusterNetwork;
  readonly executor: EngineExecutor;
}

async function createExecutor({
  config,
  engine,
  clock,
  random,
  log,
  nodeId,
  clusterNetwork,
}: ExecutorOptions): Promise<ExecutorParts> {
  const { containers, kernel, exec, networks } = engine;
  const { execRoot, idMap } = config;
  const network =
    clusterNetwork ?? (await ClusterNetwork.create({ kernel, exec, networks, clock, random, log, nodeId, execRoot }));
  const files = new TaskFileStore(join(execRoot, "task-files"), idMap);
  const node = () => engine.info();
  return { network, executor: new EngineExecutor({ containers, network, files, clock, node }) };
}

async function disconnect(network: ClusterNetwork, { engine, log }: Pick<SwarmNodeOptions, "engine" | "log">): Promise<void> {
  for (const { containerId, networkId } of network.attached()) {
    await engine.containers.disconnectNetwork(networkId, containerId, { force: true }).catch((error: unknown) => {
      log.warn({ containerId, networkId, error: errorMessage(error) }, "a container could not be taken off a network");
    });
  }
}

async function removeTasks({ executor, network }: ExecutorParts): Promise<void> {
  for (const taskId of await executor.list()) await executor.remove(taskId);
  await network.leaveCluster();
}

/** Takes away what runs on a node whose worker cannot be started: it leaves its swarm without a word to anybody. */
export async function removeTasksOfNode(options: ExecutorOptions): Promise<void> {
  const parts = await createExecutor(options);
  await disconnect(parts.network, options);
  await removeTasks(parts);
}

function describeNode(engine: Engine): NodeDescription {
  const info = engine.info();
  return {
    hostname: info.hostname,
    platform: { architecture: info.architecture, os: "linux" },
    resources: {
      nanoCpus: info.cpus * 1e9,
      memoryBytes: info.memoryBytes,
      ...(info.genericResources.length > 0 && { generic: info.genericResources }),
    },
    engine: {
      version: info.version,
      labels: Object.fromEntries(info.labels.map(label => [label.split("=")[0] ?? "", label.slice(label.indexOf("=") + 1)])),
      plugins: ["bridge", "host", "null", "overlay"]
        .map(name => ({ type: "Network", name }))
        .concat([{ type: "Volume", name: "local" }])
        .concat(LOG_DRIVERS.map(name => ({ type: "Log", name }))),
    },
  };
}
