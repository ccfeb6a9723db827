import { join } from "node:path";
import type { NodeDescription } from "../../model/cluster.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { Log } from "../../ports/log.ts";
import { ClusterNetwork } from "../../network/cluster-network.ts";
import { openSession } from "../../rpc/session-client.ts";
import { Agent } from "../../worker/agent.ts";
import { EngineExecutor } from "../../worker/engine-executor.ts";
import { TaskFileStore } from "../../worker/task-file-store.ts";
import { LevelTaskDb } from "../../worker/task-db.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { Engine } from "../engine.ts";
import type { NodeFiles, NodeRecord } from "./node-files.ts";
import type { SwarmNodeOptions } from "./swarm-node.ts";

interface WorkerNodeOptions extends SwarmNodeOptions {
  readonly record: NodeRecord;
  readonly identity: NodeIdentity;
  readonly files: NodeFiles;
}

/** The worker part of a swarm node: runs what the managers assign to it. */
export class WorkerNode implements AsyncDisposable {
  readonly #log: Log;
  readonly #over = new AbortController();
  readonly #db: LevelTaskDb;
  readonly #executor: EngineExecutor;
  readonly #files: NodeFiles;
  #record: NodeRecord;
  #isConnected = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(options: WorkerNodeOptions, parts: { readonly db: LevelTaskDb; readonly executor: EngineExecutor }) {
    this.#log = options.log;
    this.#record = options.record;
    this.#files = options.files;
    this.#db = parts.db;
    this.#executor = parts.executor;
  }

  static async start(options: WorkerNodeOptions): Promise<WorkerNode> {
    const { config, engine, clock, random, log, identity, record, files } = options;
    const db = await LevelTaskDb.open(files.taskDirectory);
    const { kernel, exec, networks } = engine;
    const network =
      options.clusterNetwork ??
      (await ClusterNetwork.create({ kernel, exec, networks, log, nodeId: record.nodeId, execRoot: config.execRoot }));
    const executor = new EngineExecutor({
      containers: engine.containers,
      network,
      files: new TaskFileStore(join(config.execRoot, "task-files")),
      clock,
      hostname: () => engine.info.hostname,
    });
    const worker = new WorkerNode(options, { db, executor });
    const agent = new Agent({
      ...{ executor, db, clock, random, log },
      openSession: (address, { up, signal }) => worker.#connected(openSession({ address, identity, up, signal })),
      managers: () => worker.managers(),
      onManagers: addresses => worker.#setManagers(addresses),
      describe: async () => ({ description: describeNode(engine), address: record.advertiseHost }),
    });
    worker.#running = agent.run({ signal: worker.#over.signal }).catch((error: unknown) => {
      if (!worker.#over.signal.aborted) throw error;
    });
    return worker;
  }

  managers(): readonly string[] {
    return this.#record.managers;
  }

  /** A manager has taken this node's session. */
  isConnected(): boolean {
    return this.#isConnected;
  }

  /** When the node has left its swarm: no task of it stays. */
  async removeAll(): Promise<void> {
    for (const taskId of await this.#executor.list()) await this.#executor.remove(taskId);
    await this.#executor.applyNetwork(new Map());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new OperationError("cancelled", "the worker is stopping"));
    await this.#running;
    await this.#db[Symbol.asyncDispose]();
  }

  #setManagers(managers: readonly string[]): void {
    if (managers.length === 0 || managers.join() === this.#record.managers.join()) return;
    this.#record = { ...this.#record, managers };
    this.#files
      .save(this.#record)
      .catch((error: unknown) => this.#log.error({ error: errorMessage(error) }, "the managers' addresses could not be kept"));
  }

  async *#connected<T>(session: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    try {
      for await (const message of session) {
        this.#isConnected = true;
        yield message;
      }
    } finally {
      this.#isConnected = false;
    }
  }
}

function describeNode({ info }: Engine): NodeDescription {
  return {
    hostname: info.hostname,
    platform: { architecture: info.architecture, os: "linux" },
    resources: { nanoCpus: info.cpus * 1e9, memoryBytes: info.memoryBytes },
    engine: {
      version: info.version,
      labels: Object.fromEntries(info.labels.map(label => [label.split("=")[0] ?? "", label.slice(label.indexOf("=") + 1)])),
      plugins: ["bridge", "host", "null", "overlay"]
        .map(name => ({ type: "Network", name }))
        .concat([
          { type: "Volume", name: "local" },
          { type: "Log", name: "json-file" },
        ]),
    },
  };
}
