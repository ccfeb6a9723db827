import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { ContainerDependencies } from "../../../../src/engine/containers/dependencies.ts";
import { ContainerEngine } from "../../../../src/engine/containers/container-engine.ts";
import { EventLog } from "../../../../src/engine/events/event-log.ts";
import { ExecStartError } from "../../../../src/engine/runtime/start-error.ts";
import { StateDatabase } from "../../../../src/engine/state/database.ts";
import { Volumes } from "../../../../src/engine/volumes/volumes.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import { systemLogNetwork } from "../../../../src/system/log-network.ts";
import type { ContainerConfig, CreateContainerRequest, HostConfig } from "../../../../src/model/container.ts";
import { EMPTY_CONTAINER_CONFIG, EMPTY_HOST_CONFIG } from "../../../../src/model/empty-config.ts";
import { asId, type ContainerId } from "../../../../src/model/ids.ts";
import { undoAfter } from "../../../../src/lib/undo.ts";
import type { OciSpec } from "../../../../src/engine/runtime/oci/types.ts";
import type { Exec } from "../../../../src/ports/exec.ts";
import type { Log } from "../../../../src/ports/log.ts";
import type { Random } from "../../../../src/ports/random.ts";
import { FakeImages } from "./fake-images.ts";
import { FakeNetworks } from "./fake-networks.ts";
import { ManualClock } from "./manual-clock.ts";
import { FakeProcess, FakeHost } from "./fake-host.ts";

export const quietLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const fakeExec: Exec = {
  run: async file => {
    throw new OperationError("internal", `${file} is not on the simulated machine`);
  },
};

const EMPTY_SPEC = { mounts: [], linux: { maskedPaths: [], readonlyPaths: [] } };

function countingRandom(): Random {
  let state = 12345;
  const uint32 = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  return { uint32, bytes: count => Uint8Array.from({ length: count }, () => uint32() >>> 24) };
}

/** The engine on a simulated machine with real files in a folder of its own. */
export class FakeWorld implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "shct-unit-"));
  readonly host = new FakeHost();
  /** What listens in containers: nothing. */
  connectTcp: ContainerDependencies["connectTcp"] = () => Promise.reject(new Error("connect ECONNREFUSED"));
  holdPath: ContainerDependencies["holdPath"] = (folder, path) => ({ path: `${folder}/${path}`, [Symbol.dispose]: () => {} });
  readonly clock = new ManualClock();
  readonly images: FakeImages;
  readonly networks = new FakeNetworks();
  readonly random = countingRandom();
  events = new EventLog(this.clock);
  bootId = "boot-1";
  #parts: { readonly engine: ContainerEngine; readonly volumes: Volumes; readonly database: StateDatabase } | undefined;

  private constructor() {
    const rootfs = join(this.directory, "base");
    mkdirSync(join(rootfs, "etc"), { recursive: true });
    mkdirSync(join(rootfs, "data"));
    writeFileSync(join(rootfs, "data/from-image"), "hello");
    this.images = new FakeImages(this.directory, { baseRootfs: rootfs });
  }

  static async create(): Promise<FakeWorld> {
    const world = new FakeWorld();
    await world.open();
    return world;
  }

  get engine(): ContainerEngine {
    return this.#open.engine;
  }

  get volumes(): Volumes {
    return this.#open.volumes;
  }

  get #open() {
    if (this.#parts === undefined) throw new Error("the engine is closed");
    return this.#parts;
  }

  /** The daemon starts. */
  async open(): Promise<void> {
    this.events = new EventLog(this.clock);
    const database = await StateDatabase.open(join(this.directory, "state"));
    const { clock, random, events } = this;
    const common = { database, events, clock, random, exec: fakeExec, log: quietLog, dataRoot: this.directory };
    const volumes = await Volumes.create(common);
    const engine = await ContainerEngine.create({
      ...common,
      volumes,
      shim: this.host.shim(),
      specs: {
        check: () => ({ warnings: [], discarded: [] }),
        checkUpdate: () => ({ warnings: [], discarded: [] }),
        container: async request => ({ request, ...EMPTY_SPEC }) as unknown as OciSpec,
        portable: async request => ({ request }),
        exec: async ({ config }) => ({ args: config.cmd }),
        resources: async hostConfig => ({ memory: hostConfig.memoryBytes }),
      },
      images: this.images,
      holdPath: (folder, path) => this.holdPath(folder, path),
      fillFolder: async (folder, { tree, path }) => {
        if (existsSync(join(tree, path))) cpSync(join(tree, path), folder, { recursive: true });
      },
      networks: this.networks,
      connectTcp: (target, options) => this.connectTcp(target, options),
      execRoot: join(this.directory, "exec"),
      bootId: () => this.bootId,
      hostname: () => "the-host",
      defaultRuntime: () => "crun",
      cgroupVersion: 1,
      logNetwork: systemLogNetwork,
    }).catch((error: unknown) => undoAfter(error, [() => database[Symbol.asyncDispose]()]));
    this.#parts = { engine, volumes, database };
  }

  /** The daemon goes, as if killed: what runs goes on. */
  async close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    await parts?.engine[Symbol.asyncDispose]();
    await parts?.database[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Makes and starts one. */
  async run(request: RequestOptions = {}): Promise<{ readonly id: ContainerId; readonly process: FakeProcess }> {
    const { id } = await this.engine.create(aRequest(request));
    await this.engine.start(id);
    return { id, process: this.process(id) };
  }

  process(id: ContainerId): FakeProcess {
    const process = this.host.processes.get(id);
    if (process === undefined) throw new Error(`${id} has no process`);
    return process;
  }

  hasFiles(id: ContainerId): boolean {
    return existsSync(join(this.directory, "containers", id)) || existsSync(this.images.rootfsOf(id));
  }

  /** What a daemon leaves that dies while it starts `id` and creates another container. @returns the other one's id. */
  leaveHalfMade(id: ContainerId): ContainerId {
    const half = asId<ContainerId>("f".repeat(64));
    mkdirSync(join(this.directory, "exec/containers", id), { recursive: true });
    mkdirSync(join(this.directory, "containers", half), { recursive: true });
    mkdirSync(this.images.rootfsOf(half), { recursive: true });
    writeFileSync(join(this.directory, "containers", half, "undo.json"), JSON.stringify({ volumes: ["half-made"] }));
    return half;
  }

  async status(id: string): Promise<string> {
    return (await this.engine.inspect(id)).state.status;
  }
}

export interface RequestOptions {
  readonly name?: string;
  readonly config?: Partial<ContainerConfig>;
  readonly hostConfig?: Partial<HostConfig>;
  readonly endpoints?: CreateContainerRequest["endpoints"];
}

export function aRequest({ name, config, hostConfig, endpoints = {} }: RequestOptions = {}): CreateContainerRequest {
  return {
    ...(name !== undefined && { name }),
    config: { ...EMPTY_CONTAINER_CONFIG, image: "busybox", ...config },
    hostConfig: { ...EMPTY_HOST_CONFIG, networkMode: "", restartPolicy: { name: "", maximumRetryCount: 0 }, ...hostConfig },
    endpoints,
  };
}

/** Lets promises and files settle until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`in vain waited until ${what}`);
    await setImmediate();
  }
}

/** What a client of attach or logs has seen. */
export function aClient() {
  const pieces: { readonly stream: string; readonly data: Buffer }[] = [];
  return {
    pieces,
    text: (stream?: string) =>
      Buffer.concat(pieces.filter(piece => stream === undefined || piece.stream === stream).map(piece => piece.data)).toString(),
    output: async (stream: "stdout" | "stderr", data: Uint8Array) => {
      pieces.push({ stream, data: Buffer.from(data) });
    },
  };
}

export { ExecStartError };
