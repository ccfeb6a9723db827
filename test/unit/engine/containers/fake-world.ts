import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { ContainerDependencies } from "../../../../src/engine/containers/dependencies.ts";
import { ContainerEngine } from "../../../../src/engine/containers/container-engine.ts";
import type { ContainerImages, ContainerNetworks, Sandbox } from "../../../../src/engine/containers/needs.ts";
import { EventLog } from "../../../../src/engine/events/event-log.ts";
import { ExecStartError } from "../../../../src/engine/runtime/start-error.ts";
import type {
  Shim,
  ShimContainer,
  ShimCreate,
  ShimExit,
  ShimProcess,
  ShimRestore,
  ShimStreams,
} from "../../../../src/engine/runtime/shim.ts";
import { type RecordChange, StateDatabase } from "../../../../src/engine/state/database.ts";
import { Volumes } from "../../../../src/engine/volumes/volumes.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import { systemLogNetwork } from "../../../../src/system/log-network.ts";
import type {
  Container,
  ContainerConfig,
  CreateContainerRequest,
  HostConfig,
  NetworkState,
} from "../../../../src/model/container.ts";
import { EMPTY_CONTAINER_CONFIG, EMPTY_HOST_CONFIG } from "../../../../src/model/empty-config.ts";
import { asId, type ContainerId, type ImageId } from "../../../../src/model/ids.ts";
import type { Image, ImageConfig } from "../../../../src/model/image.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import { undoAfter } from "../../../../src/lib/undo.ts";
import type { OciSpec } from "../../../../src/engine/runtime/oci/types.ts";
import type { Exec } from "../../../../src/ports/exec.ts";
import type { Log } from "../../../../src/ports/log.ts";
import type { Random } from "../../../../src/ports/random.ts";

export const quietLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const EMPTY_IMAGE_CONFIG: ImageConfig = { user: "", env: [], volumes: [], workingDir: "", labels: {}, exposedPorts: [] };

/** One image, `busybox:latest`; a container's root is a copy of a folder. */
export class FakeImages implements ContainerImages {
  readonly #directory: string;
  readonly #baseRootfs: string;
  config: ImageConfig = { ...EMPTY_IMAGE_CONFIG, cmd: ["sh"], env: ["PATH=/bin"] };
  readonly mounted = new Set<ContainerId>();
  /** Those that stay mounted whatever is done. */
  readonly stuck = new Set<ContainerId>();
  failCreate = false;

  constructor(directory: string, { baseRootfs }: { readonly baseRootfs: string }) {
    this.#directory = directory;
    this.#baseRootfs = baseRootfs;
  }

  get(reference: string): Image {
    const id = asId<ImageId>(`sha256:${"1".repeat(64)}`);
    if (!["busybox", "busybox:latest", id].includes(reference)) {
      throw new OperationError("not-found", `No such image: ${reference.includes(":") ? reference : `${reference}:latest`}`);
    }
    return {
      id,
      tags: ["busybox:latest"],
      digests: [],
      parent: "",
      comment: "",
      author: "",
      architecture: "amd64",
      variant: "",
      os: "linux",
      sizeBytes: 1000,
      diffIds: [],
      config: this.config,
      history: [],
    };
  }

  rootfsOf(id: ContainerId): string {
    return join(this.#directory, "roots", id);
  }

  async createRootfs(id: ContainerId): Promise<RecordChange> {
    if (this.failCreate) throw new OperationError("internal", "no space left");
    cpSync(this.#baseRootfs, this.rootfsOf(id), { recursive: true, verbatimSymlinks: true });
    return { collection: "rootfs", key: `rootfs/${id}`, kind: "put", value: { id } };
  }

  removalOfRootfs(id: ContainerId): RecordChange {
    return { collection: "rootfs", key: `rootfs/${id}`, kind: "delete" };
  }

  async mountRootfs(id: ContainerId): Promise<string> {
    this.mounted.add(id);
    return this.rootfsOf(id);
  }

  async unmountRootfs(id: ContainerId): Promise<void> {
    if (this.stuck.has(id)) throw new OperationError("internal", "device or resource busy");
    this.mounted.delete(id);
  }

  async removeRootfs(id: ContainerId): Promise<void> {
    rmSync(this.rootfsOf(id), { recursive: true, force: true });
  }

  rootfsPath(id: ContainerId): string {
    return this.rootfsOf(id);
  }

  upperPath(id: ContainerId): string {
    return this.rootfsOf(id);
  }
}

/** Networks that only keep count. */
export class FakeNetworks implements ContainerNetworks {
  readonly connected = new Set<ContainerId>();
  restored: readonly ContainerId[] = [];
  failConnect = false;

  validate(request: CreateContainerRequest): void {
    if (request.hostConfig.networkMode === "nowhere") throw new OperationError("not-found", "network nowhere not found");
  }

  async connect(container: Container): Promise<Sandbox> {
    if (this.failConnect) throw new OperationError("conflict", "port is already allocated");
    this.connected.add(container.id);
    return {
      namespacePath: undefined,
      state: container.networks,
      isUp: Promise.resolve(),
      hosts: "127.0.0.1\tlocalhost\n",
      resolvConf: "nameserver 127.0.0.11\n",
    };
  }

  async release(id: ContainerId): Promise<void> {
    this.connected.delete(id);
  }

  holdsClusterPlace(): boolean {
    return false;
  }

  async restore(containers: readonly Container[]): Promise<ReadonlyMap<ContainerId, NetworkState>> {
    this.restored = containers.map(({ id }) => id);
    return new Map();
  }

  async attach(container: Container) {
    return container.networks;
  }

  async detach(container: Container) {
    return container.networks;
  }

  async takeNewName(): Promise<undefined> {}
  mayBeOfCluster = () => false;
}

/** Time that goes on only when told. */
export class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000;
  readonly #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();

  nowMs = () => this.#nowMs;
  monotonicMs = () => this.#nowMs;

  /** Whether something waits for just as long from now. */
  isDueIn(ms: number): boolean {
    return [...this.#timers].some(({ atMs }) => atMs === this.#nowMs + ms);
  }

  sleep(ms: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => {
        this.#timers.delete(timer);
        reject(signal?.reason as Error);
      };
      const fire = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const timer = { atMs: this.#nowMs + ms, fire };
      this.#timers.add(timer);
      signal?.addEventListener("abort", onAbort);
    });
  }

  timeout(ms: number): AbortSignal {
    const controller = new AbortController();
    this.#timers.add({ atMs: this.#nowMs + ms, fire: () => controller.abort(new OperationError("unavailable", "timed out")) });
    return controller.signal;
  }

  /** Fires what is due, in order, and lets what follows from it run. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.fire();
      for (let turn = 0; turn < 20; turn++) await setImmediate();
    }
    this.#nowMs = endMs;
  }
}

type Listener = Parameters<ShimStreams["subscribe"]>[0];

class FakeStreams implements ShimStreams {
  readonly #listeners = new Map<Listener, () => void>();
  readonly stdin: Buffer[] = [];
  isStdinClosed = false;
  isPaused = false;
  isEnded = false;

  subscribe(listener: Listener, onEnd: () => void): () => void {
    if (this.isEnded) onEnd();
    else this.#listeners.set(listener, onEnd);
    return () => this.#listeners.delete(listener);
  }

  print(stream: "stdout" | "stderr", data: Uint8Array): void {
    for (const listener of this.#listeners.keys()) listener(stream, data);
  }

  end(): void {
    this.isEnded = true;
    for (const onEnd of this.#listeners.values()) onEnd();
    this.#listeners.clear();
  }

  async writeStdin(data: Uint8Array): Promise<void> {
    this.stdin.push(Buffer.from(data));
  }

  closeStdin(): void {
    this.isStdinClosed = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

/** Of the process that this is. */
function ownStartTicks(): number {
  return Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[19]);
}

/** A process of the simulated machine. It lives on when the daemon goes. */
export class FakeProcess {
  readonly request: ShimCreate;
  readonly pid: number;
  readonly startTicks: number;
  streams: FakeStreams | undefined;
  isStarted = false;
  ended: ShimExit | undefined;
  readonly signals: number[] = [];
  /** Signals that end it. */
  readonly deadly = new Set([9, 15]);
  size: { readonly heightCells: number; readonly widthCells: number } | undefined;
  isFrozen = false;
  updated: unknown;
  failUpdate = false;
  failResume = false;
  readonly execs: FakeExec[] = [];
  #resolveExit: ((exit: ShimExit) => void)[] = [];
  #logTimeNs = 1_795_000_000_000_000_000n;

  constructor(request: ShimCreate, { pid }: { readonly pid: number }) {
    this.request = request;
    this.pid = pid;
    this.startTicks = pid === process.pid ? ownStartTicks() : pid * 10;
  }

  /** What the container prints, as conmon writes and sends it: pieces of at most 8 KiB. */
  print(text: string | Buffer, stream: "stdout" | "stderr" = "stdout"): void {
    const data = Buffer.from(text);
    const PIECE_BYTES = 8192;
    for (let start = 0; start < data.length; start += PIECE_BYTES)
      this.#printPiece(data.subarray(start, start + PIECE_BYTES), stream);
  }

  #printPiece(data: Buffer, stream: "stdout" | "stderr"): void {
    const { logPath } = this.request;
    if (logPath !== undefined) appendFileSync(logPath, this.#logText(data, stream));
    this.streams?.print(stream, data);
  }

  #logText(data: Buffer, stream: string): Buffer {
    const time = new Date(Number(this.#logTimeNs / 1_000_000n)).toISOString().slice(0, 20);
    const head = `${time}${String(this.#logTimeNs % 1_000_000_000n).padStart(9, "0")}+00:00 ${stream} `;
    this.#logTimeNs += 1_000_000_000n;
    const pieces: Buffer[] = [];
    for (let start = 0; start < data.length; ) {
      const newline = data.indexOf(10, start);
      const end = newline === -1 ? data.length : newline;
      pieces.push(Buffer.from(`${head}${newline === -1 ? "P" : "F"} `), data.subarray(start, end), Buffer.from("\n"));
      start = end + 1;
    }
    return Buffer.concat(pieces);
  }

  /** @param options.isOutputLate - The rest of its output comes after the news of its end. */
  exit(exitCode: number, { isOomKilled = false, isOutputLate = false } = {}): void {
    if (this.ended !== undefined) return;
    this.ended = { exitCode, isOomKilled };
    if (!isOutputLate) this.streams?.end();
    for (const resolve of this.#resolveExit) resolve(this.ended);
  }

  awaitExit(): Promise<ShimExit> {
    return this.ended === undefined ? new Promise(resolve => this.#resolveExit.push(resolve)) : Promise.resolve(this.ended);
  }
}

export class FakeExec extends FakeStreams implements ShimProcess {
  readonly pid = Promise.resolve(7000);
  readonly process: { readonly args: readonly string[] };
  exit: Promise<number>;
  end_!: (exitCode: number) => void;
  fail!: (error: Error) => void;
  size: unknown;
  readonly signals: number[] = [];

  constructor(process: unknown) {
    super();
    this.process = process as { readonly args: readonly string[] };
    this.exit = new Promise((resolve, reject) => {
      this.end_ = exitCode => {
        this.end();
        resolve(exitCode);
      };
      this.fail = reject;
    });
  }

  async resize(size: unknown): Promise<void> {
    this.size = size;
  }

  kill(signal: number): void {
    this.signals.push(signal);
    this.end_(128 + signal);
  }
}

/** The machine: processes by container. */
export class FakeHost {
  readonly processes = new Map<ContainerId, FakeProcess>();
  /** Every container that was ever created, in order. */
  readonly created: FakeProcess[] = [];
  readonly discarded: Pick<ShimRestore, "id" | "runtime">[] = [];
  failDiscard = false;
  /** Of every process. */
  mountInfo = "";
  /** What the next attempts to take a container up say instead, one each. */
  readonly restoreFailures: Error[] = [];
  nextPid = 1000;
  /** What the next creations do instead. */
  onCreate: ((request: ShimCreate) => void) | undefined;
  failPause = false;
  onStart: ((process: FakeProcess) => void) | undefined;
  onExec: ((exec: FakeExec) => void) | undefined;

  shim(): Shim {
    return {
      create: async request => {
        await request.isReady;
        this.onCreate?.(request);
        const process = new FakeProcess(request, { pid: this.nextPid++ });
        if (request.logPath !== undefined) appendFileSync(request.logPath, "");
        this.processes.set(request.id, process);
        this.created.push(process);
        const container = this.#containerOf(process);
        if (request.attach) await container.attach();
        return container;
      },
      restore: async ({ id, pid, pidStartTicks }) => {
        const failure = this.restoreFailures.shift();
        if (failure !== undefined) throw failure;
        const process = this.processes.get(id);
        if (process === undefined || process.pid !== pid || process.startTicks !== pidStartTicks) return undefined;
        process.streams = undefined;
        return this.#containerOf(process);
      },
      discard: async ({ id, runtime }) => {
        if (this.failDiscard) throw new OperationError("internal", "too many open files");
        this.discarded.push({ id, ...(runtime !== undefined && { runtime }) });
        this.processes.delete(id);
      },
    };
  }

  #containerOf(process: FakeProcess): ShimContainer {
    const end = (signal: number) => {
      process.signals.push(signal);
      if (process.deadly.has(signal) && !process.isFrozen) process.exit(128 + signal);
    };
    return {
      pid: process.pid,
      pidStartTicks: process.startTicks,
      exit: process.awaitExit(),
      start: async () => {
        this.onStart?.(process);
        process.isStarted = true;
      },
      kill: async signal => {
        if (signal === 9) process.isFrozen = false;
        end(signal);
      },
      pause: async () => {
        if (this.failPause) throw new Error("the container is not running: No such process");
        process.isFrozen = true;
      },
      isPaused: async () => process.isFrozen,
      resume: async () => {
        if (process.failResume) throw new Error("too many open files");
        process.isFrozen = false;
        if (process.signals.some(signal => process.deadly.has(signal))) process.exit(128 + (process.signals.at(-1) ?? 0));
      },
      resize: async size => {
        process.size = size;
      },
      attach: async () => (process.streams ??= new FakeStreams()),
      rotateLog: async rotatedPath => {
        const { logPath = "" } = process.request;
        renameSync(logPath, rotatedPath);
        writeFileSync(logPath, "");
      },
      update: async resources => {
        if (process.failUpdate) throw new Error("device or resource busy");
        process.updated = resources;
      },
      mountInfo: () => this.mountInfo,
      pids: async () => [process.pid],
      exec: async request => {
        const exec = new FakeExec(request.process);
        this.onExec?.(exec);
        process.execs.push(exec);
        return exec;
      },
      delete: async () => {
        this.processes.delete(process.request.id);
      },
    };
  }
}

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
