import { basename, dirname, join } from "node:path";
import { createSpawner } from "../../system/spawn.ts";
import { ClusterEvents } from "./cluster-events.ts";
import { ManagerControl } from "./manager-control.ts";
import { ownAddress } from "./manager-calls.ts";
import { ManagerProcess } from "./manager-process.ts";
import type { ManagerRecord, NodeRecord } from "./node-files.ts";
import type { KeyReport, NodeKeys } from "./node-keys.ts";
import type { SwarmNodeOptions } from "./swarm-node.ts";

export interface RunningManagerOptions {
  readonly daemon: SwarmNodeOptions;
  readonly record: NodeRecord & { readonly manager: ManagerRecord };
  /** As they are on disk. */
  readonly keys: () => NodeKeys;
  readonly onKeyReport: (report: KeyReport) => void;
}

/** The manager process of this node, and the ways to it. */
export class RunningManager implements AsyncDisposable {
  readonly control: ManagerControl;
  readonly process: ManagerProcess;
  readonly #events: ClusterEvents;

  constructor({ daemon, record, keys, onKeyReport }: RunningManagerOptions) {
    const { config, clock, engine, log, logLevel } = daemon;
    const { manager, nodeId, clusterId, listenAddress } = record;
    const socketPath = join(config.execRoot, "manager.sock");
    const { dataRoot, logFormat, logFile } = config;
    const crashDirectory = join(dataRoot, "crash");
    this.control = new ManagerControl({ path: socketPath, clock });
    this.#events = new ClusterEvents({ source: this.control, events: engine.events, clock, log });
    this.process = new ManagerProcess({
      ...{ clock, log, logLevel },
      spawner: createSpawner(),
      keys,
      onReport: onKeyReport,
      options: {
        ...(logFile !== undefined && { logFile: join(dirname(logFile), `manager-${basename(logFile)}`) }),
        ...{ dataRoot, socketPath, logFormat, crashDirectory, nodeId, clusterId, listenAddress, ...manager },
        advertiseAddress: ownAddress(record),
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events[Symbol.asyncDispose]();
    await this.control[Symbol.asyncDispose]();
    await this.process[Symbol.asyncDispose]();
  }
}
