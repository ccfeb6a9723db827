import { EventEmitter, once } from "node:events";
import { OperationError } from "../../src/lib/errors.ts";
import type {
  ContainersBackend,
  ExecsBackend,
  ImagesBackend,
  NetworksBackend,
  SystemBackend,
  VolumesBackend,
} from "../../src/api/backends.ts";
import type { AttachOptions } from "../../src/api/backends.ts";
import type {
  Container,
  ContainerStatus,
  CreateContainerRequest,
  EngineEvent,
  ExecState,
  HostConfig,
} from "../../src/model/container.ts";
import type { EngineNetwork, Volume } from "../../src/model/engine-network.ts";
import { asId } from "../../src/model/ids.ts";
import type { ContainerId, ExecId } from "../../src/model/ids.ts";
import type { Image } from "../../src/model/image.ts";

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

interface Running {
  container: Container;
  readonly events: EventEmitter;
  /** What it has written. */
  readonly output: { stream: "stdout" | "stderr"; data: Buffer }[];
  hasEnded: boolean;
}

/**
 * An engine in memory whose containers are functions: `echo` writes its arguments, `cat` its input, `big` a lot, `sleep` nothing
 * until it is stopped, and `stubborn` until it is killed.
 */
export class FakeEngine {
  readonly #containers = new Map<string, Running>();
  readonly #execs = new Map<string, ExecState>();
  readonly #networks = new Map<string, EngineNetwork>();
  readonly #volumes = new Map<string, Volume>();
  #count = 0;
  /** Requests as they came, for tests to look at. */
  readonly created: CreateContainerRequest[] = [];
  readonly removedNetworks: string[] = [];
  /** Bytes that an attached client took from `big` before it went. */
  bigBytesSent = 0;
  wasCancelled = false;
  readonly loaded: number[] = [];

  #find(idOrName: string): Running {
    for (const running of this.#containers.values()) {
      const { id, name } = running.container;
      if (id === idOrName || name === idOrName.replace(/^\//, "") || (idOrName.length > 3 && id.startsWith(idOrName)))
        return running;
    }
    throw new OperationError("not-found", `No such container: ${idOrName}`);
  }

  #setStatus(running: Running, status: ContainerStatus, extra: Partial<Container["state"]> = {}): void {
    running.container = { ...running.container, state: { ...running.container.state, status, ...extra } };
  }

  #end(running: Running, exitCode: number): void {
    if (running.hasEnded) return;
    running.hasEnded = true;
    this.#setStatus(running, "exited", { exitCode, pid: 0, finishedAtMs: NOW_MS });
    running.events.emit("exit", exitCode);
    if (running.container.hostConfig.autoRemove) {
      this.#containers.delete(running.container.id);
      running.events.emit("removed");
    }
  }

  #write(running: Running, stream: "stdout" | "stderr", text: string): void {
    running.output.push({ stream, data: Buffer.from(text) });
    running.events.emit("output");
  }

  readonly containers: ContainersBackend = {
    create: async request => {
      if (request.config.image.startsWith("missing")) {
        throw new OperationError("not-found", `No such image: ${request.config.image}:latest`);
      }
      this.created.push(request);
      const number = ++this.#count;
      const id = asId<ContainerId>(number.toString(16).padStart(64, "a"));
      this.#containers.set(id, { container: aContainer(id, request), events: new EventEmitter(), output: [], hasEnded: false });
      return { id, warnings: [] };
    },
    inspect: async idOrName => this.#find(idOrName).container,
    list: async ({ all }) =>
      [...this.#containers.values()].map(({ container }) => container).filter(({ state }) => all || state.status === "running"),
    start: async idOrName => {
      const running = this.#find(idOrName);
      if (running.container.state.status === "running") throw new OperationError("not-modified", "container is running");
      this.#setStatus(running, "running", { pid: 42, startedAtMs: NOW_MS - 2000 });
      running.events.emit("start");
      const [command = "", ...args] = running.container.config.cmd ?? [];
      if (command === "echo") {
        this.#write(running, "stdout", `${args.join(" ")}\n`);
        this.#end(running, 0);
      }
      if (command === "both") {
        this.#write(running, "stdout", "out\n");
        this.#write(running, "stderr", "err\n");
        this.#end(running, 3);
      }
    },
    stop: async idOrName => {
      const running = this.#find(idOrName);
      if (running.hasEnded) throw new OperationError("not-modified", "container is stopped");
      if (running.container.config.cmd?.[0] === "stubborn") await once(running.events, "exit");
      this.#end(running, 137);
    },
    restart: async () => undefined,
    kill: async idOrName => this.#end(this.#find(idOrName), 137),
    pause: async idOrName => this.#setStatus(this.#find(idOrName), "paused"),
    unpause: async idOrName => this.#setStatus(this.#find(idOrName), "running"),
    bundle: async idOrName => ({ config: "{}", files: {}, copies: { id: this.#find(idOrName).container.id } }),
    rename: async (idOrName, name) => {
      const running = this.#find(idOrName);
      running.container = { ...running.container, name };
    },
    remove: async idOrName => {
      const running = this.#find(idOrName);
      this.#containers.delete(running.container.id);
      running.events.emit("removed");
    },
    update: async (idOrName, changes: Partial<HostConfig>) => {
      const running = this.#find(idOrName);
      running.container = { ...running.container, hostConfig: { ...running.container.hostConfig, ...changes } };
      return [];
    },
    wait: async (idOrName, condition) => {
      const running = this.#find(idOrName);
      if (condition === "not-running" && running.hasEnded) {
        return { result: Promise.resolve({ exitCode: running.container.state.exitCode }) };
      }
      const ended = once(running.events, condition === "removed" ? "removed" : "exit");
      return { result: ended.then(() => ({ exitCode: running.container.state.exitCode })) };
    },
    resize: async () => undefined,
    top: async () => ({ titles: ["PID", "CMD"], processes: [["1", "sleep"]] }),
    attach: async (idOrName, options) => {
      const running = this.#find(idOrName);
      options.onReady(running.container.config.tty);
      await this.#serve(running, running.container.config.cmd ?? [], options);
    },
    logs: async (idOrName, { follow, tail, signal }) => {
      const running = this.#find(idOrName);
      const follows = async function* (self: FakeEngine) {
        let at = tail === undefined ? 0 : Math.max(0, running.output.length - tail);
        for (;;) {
          if (at < running.output.length) yield running.output.slice(at);
          at = running.output.length;
          if (!follow || running.hasEnded) return;
          await Promise.race([once(running.events, "output", { signal }), once(running.events, "exit", { signal })]).catch(
            () => (self.wasCancelled = true),
          );
          if (signal.aborted) return;
        }
      };
      return { isTty: running.container.config.tty, batches: follows(this) };
    },
    prune: async () => ({ deleted: [], reclaimedBytes: 0 }),
    connectNetwork: async () => undefined,
    disconnectNetwork: async () => undefined,
  };

  /** Plays the process on the other side of an attach or exec. */
  async #serve(
    running: Running | undefined,
    cmd: readonly string[],
    options: Omit<AttachOptions, "stream" | "logs">,
  ): Promise<void> {
    const [command] = cmd;
    const output = options.output ?? (async () => undefined);
    if (running?.container.state.status === "created") await once(running.events, "start");
    if (command === "cat") {
      for await (const chunk of options.stdin ?? []) await output("stdout", chunk);
      await output("stderr", Buffer.from("end of input\n"));
      if (running !== undefined) this.#end(running, 0);
      return;
    }
    if (command === "big") {
      const chunk = Buffer.alloc(64 * 1024, "x");
      try {
        for (let left = 4096; left > 0; left--) {
          await output("stdout", chunk);
          this.bigBytesSent += chunk.byteLength;
        }
      } catch {
        this.wasCancelled = true;
      }
      return;
    }
    if (running === undefined) {
      await output("stdout", Buffer.from(`${cmd.slice(1).join(" ")}\n`));
      return;
    }
    let at = 0;
    for (;;) {
      for (; at < running.output.length; at++) {
        const piece = running.output[at];
        if (piece !== undefined) await output(piece.stream, piece.data);
      }
      if (running.hasEnded) return;
      await Promise.race([once(running.events, "output"), once(running.events, "exit"), aborted(options.signal)]);
      if (options.signal.aborted) return void (this.wasCancelled = true);
    }
  }

  /** A container that runs writes a line. */
  say(idOrName: string, text: string): void {
    this.#write(this.#find(idOrName), "stdout", text);
  }

  readonly execs: ExecsBackend = {
    create: async (container, config) => {
      const { id: containerId } = this.#find(container).container;
      const id = asId<ExecId>((++this.#count).toString(16).padStart(64, "e"));
      this.#execs.set(id, { id, containerId, config, isRunning: false, pid: 0 });
      return id;
    },
    inspect: id => this.#exec(id),
    start: async (id, options) => {
      const exec = this.#exec(id);
      if (!options.detach) {
        options.onReady(exec.config.tty);
        await this.#serve(undefined, exec.config.cmd, options);
      }
      this.#execs.set(id, { ...exec, exitCode: exec.config.cmd[0] === "false" ? 1 : 0 });
    },
    resize: async () => undefined,
  };

  #exec(id: string): ExecState {
    const exec = this.#execs.get(id);
    if (exec === undefined) throw new OperationError("not-found", `No such exec instance: ${id}`);
    return exec;
  }

  readonly images: ImagesBackend = {
    list: async () => [{ ...BUSYBOX, containers: -1 }],
    inspect: async reference => {
      if (!/^(busybox|reg:5000\/a\/b)/.test(reference)) throw new OperationError("not-found", `No such image: ${reference}`);
      return BUSYBOX;
    },
    load: async function* (this: void, archive) {
      let size = 0;
      for await (const chunk of archive) size += chunk.byteLength;
      if (size < 1000) throw new OperationError("invalid", "unexpected EOF");
      yield { stream: `Loaded image: busybox:latest\n` };
    },
    async *save() {
      yield Buffer.alloc(2048, "s");
    },
    async *importArchive() {
      yield { status: "sha256:imported" };
    },
    async *pull(reference) {
      yield { status: `Pulling from ${reference}`, id: "latest" };
    },
    tag: async () => undefined,
    remove: async reference => [{ untagged: reference }],
    prune: async () => ({ deleted: [], reclaimedBytes: 0 }),
  };

  readonly networks: NetworksBackend = {
    create: async ({ name, driver, options, labels, isInternal, isAttachable, isIpv6 = false }) => {
      const id = asId<EngineNetwork["id"]>((++this.#count).toString(16).padStart(64, "b"));
      this.#networks.set(id, {
        ...aNetwork(id, name),
        driver,
        options,
        labels,
        isInternal,
        isAttachable,
        isIpv6,
      });
      return { id, warning: "" };
    },
    inspect: async idOrName => this.#network(idOrName),
    list: async () => [...this.#networks.values()],
    remove: async idOrName => {
      this.removedNetworks.push(idOrName);
      this.#networks.delete(this.#network(idOrName).id);
    },
    prune: async () => [],
  };

  #network(idOrName: string): EngineNetwork {
    const networks = [...this.#networks.values()];
    const [exact] = networks.filter(({ id, name }) => id === idOrName || name === idOrName);
    const [first, second] = exact === undefined ? networks.filter(({ id }) => id.startsWith(idOrName)) : [exact];
    if (second !== undefined) throw new OperationError("invalid", `network ${idOrName} is ambiguous`);
    if (first !== undefined) return first;
    throw new OperationError("not-found", `network ${idOrName} not found`);
  }

  readonly volumes: VolumesBackend = {
    create: async ({ name, driver, options, labels }) => {
      const volume: Volume = {
        name: name || "anonymous",
        driver,
        options,
        labels,
        mountpoint: `/volumes/${name}`,
        createdAtMs: NOW_MS,
        scope: "local",
        isAnonymous: name === "",
      };
      this.#volumes.set(volume.name, volume);
      return volume;
    },
    inspect: async name => {
      const volume = this.#volumes.get(name);
      if (volume === undefined) throw new OperationError("not-found", `get ${name}: no such volume`);
      return volume;
    },
    list: async () => [...this.#volumes.values()],
    remove: async name => void this.#volumes.delete(name),
    prune: async () => ({ deleted: [], reclaimedBytes: 0 }),
  };

  readonly system: SystemBackend = {
    info: async () => ({
      id: "fake",
      hostname: "fakehost",
      kernelVersion: "6.1.0",
      operatingSystem: "Debian GNU/Linux 12 (bookworm)",
      osVersion: "12",
      architecture: "x86_64",
      cpus: 2,
      memoryBytes: 2 ** 30,
      genericResources: [],
      dataRoot: "/var/lib/shoal",
      cgroupVersion: 2,
      isRemapped: false,
      limits: {
        memory: true,
        swap: true,
        kernelMemory: false,
        kernelMemoryTcp: false,
        cpuShares: true,
        cpuQuota: true,
        cpuset: true,
        pids: true,
      },
      backingFileSystem: "extfs",
      usesMetacopy: false,
      process: { openFiles: 20, activeResources: 5, eventListeners: 0, forwardsIpv4: true },
      runtimes: { crun: { path: "/usr/bin/crun", version: "1.8" } },
      defaultRuntime: "crun",
      conmonVersion: "2.1.6",
      version: "0.1.0",
      commit: "abcdef",
      builtAt: "2026-01-01T00:00:00Z",
      labels: [],
      liveRestore: true,
      isDebug: false,
      authorizationPlugins: [],
      seccompProfile: "builtin",
      loggingDriver: "json-file",
      initBinary: "docker-init",
      registry: { mirrors: [], insecure: [], proxies: { http: "", https: "", exceptions: "" } },
      startedAtMs: NOW_MS,
      warnings: [],
    }),
    async *events({ signal }): AsyncGenerator<EngineEvent> {
      yield {
        type: "container",
        action: "start",
        actorId: "d".repeat(64),
        attributes: { image: "busybox", name: "one" },
        scope: "local",
        timeNs: 1_700_000_000_123_456_789n,
      };
      await aborted(signal);
    },
    login: async ({ password }) => {
      if (password !== "right") throw new OperationError("unauthorized", "login attempt failed");
      return "";
    },
    pluginPrivileges: async (remote, { credentials }) => [
      { name: "network", description: `of ${remote} for ${credentials.username}`, value: ["host"] },
    ],
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

function aContainer(id: ContainerId, { name, config, hostConfig }: CreateContainerRequest): Container {
  const [path = "", ...args] = config.cmd ?? ["/bin/sh"];
  return {
    id,
    name: name ?? `container${Number.parseInt(id.replace(/^a+/, ""), 16)}`,
    createdAtMs: NOW_MS - 5000,
    imageId: BUSYBOX.id,
    path,
    args,
    config,
    hostConfig,
    state: { status: "created", pid: 0, exitCode: 0, isOomKilled: false, error: "" },
    networks: { sandboxId: "", sandboxKey: "", ports: {}, endpoints: {} },
    mounts: [],
    restartCount: 0,
    platform: "linux",
    logPath: "",
    resolvConfPath: "",
    hostnamePath: "",
    hostsPath: "",
    execIds: [],
  };
}

function aNetwork(id: EngineNetwork["id"], name: string): EngineNetwork {
  return {
    id,
    name,
    createdAtMs: NOW_MS,
    scope: "local",
    driver: "bridge",
    isIpv4: true,
    isIpv6: false,
    ipamDriver: "default",
    ipamOptions: {},
    ipam: [{ subnet: "172.18.0.0/16", gateway: "172.18.0.1" }],
    isInternal: false,
    isAttachable: false,
    isIngress: false,
    options: {},
    labels: {},
    containers: {},
  };
}

export const BUSYBOX: Image = {
  id: asId(`sha256:${"1".repeat(64)}`),
  tags: ["busybox:latest"],
  digests: [],
  parent: "",
  comment: "",
  author: "",
  createdAtMs: NOW_MS - 86_400_000,
  architecture: "amd64",
  variant: "",
  os: "linux",
  sizeBytes: 1_234_567,
  diffIds: [asId(`sha256:${"2".repeat(64)}`)],
  config: { user: "", env: ["PATH=/bin"], cmd: ["sh"], volumes: [], workingDir: "", labels: {}, exposedPorts: [] },
  history: [{ createdBy: "ADD", comment: "", isEmptyLayer: false, author: "" }],
};
