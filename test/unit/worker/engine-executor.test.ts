import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperationError } from "../../../src/lib/errors.ts";
import type { Container, ContainerState, CreateContainerRequest } from "../../../src/model/container.ts";
import { asId } from "../../../src/model/ids.ts";
import { EngineExecutor } from "../../../src/worker/engine-executor.ts";
import type { TaskContainers } from "../../../src/worker/engine-executor.ts";
import { TaskFileStore } from "../../../src/worker/task-file-store.ts";
import { settle, simulatedClock, VirtualTime } from "../../sim/virtual-time.ts";
import { anAssignedTask } from "./fixtures.ts";

const NO_FILES = { secrets: new Map(), configs: new Map() };
const CREATED: ContainerState = { status: "created", pid: 0, exitCode: 0, isOomKilled: false, error: "" };

/** One port of the host, in both families. */
const PORTS = { "80/tcp": ["0.0.0.0", "::"].map(hostIp => ({ hostIp, hostPort: "8080" })) };

/** Containers that run until they are stopped. */
class SimulatedContainers implements TaskContainers {
  readonly byName = new Map<string, { request: CreateContainerRequest; state: ContainerState; onExit: (() => void)[] }>();
  readonly calls: string[] = [];

  async create(request: CreateContainerRequest): Promise<void> {
    this.calls.push(`create ${request.name}`);
    if (request.config.image === "missing") throw new OperationError("not-found", "No such image: missing:latest");
    this.byName.set(request.name ?? "", { request, state: CREATED, onExit: [] });
  }

  async inspect(name: string): Promise<Container> {
    const found = this.#get(name);
    return {
      id: asId(`id-of-${found.request.name}`),
      name: found.request.name,
      config: found.request.config,
      state: found.state,
      networks: { ports: PORTS },
    } as unknown as Container;
  }

  async list({ filters }: { readonly filters: Readonly<Record<string, readonly string[]>> }): Promise<readonly Container[]> {
    const [wanted = ""] = filters["label"] ?? [];
    const [key = "", value] = wanted.split("=");
    const all = await Promise.all([...this.byName.keys()].map(name => this.inspect(name)));
    return all.filter(({ config: { labels } }) => key in labels && (value === undefined || labels[key] === value));
  }

  async start(name: string): Promise<void> {
    this.calls.push(`start ${name}`);
    this.set(name, { status: "running", pid: 42 });
  }

  async stop(name: string, { timeoutSeconds }: { readonly timeoutSeconds?: number }): Promise<void> {
    this.calls.push(`stop ${name} ${timeoutSeconds}`);
    if (this.#get(name).state.status !== "running") throw new OperationError("not-modified", "container is already stopped");
    this.set(name, { status: "exited", exitCode: 143 });
  }

  /** Kills that are to fail. */
  killsToFail = 0;

  async kill(name: string, killSignal: string): Promise<void> {
    this.calls.push(`kill ${name} ${killSignal}`);
    if (this.killsToFail-- > 0) throw new OperationError("internal", "no such process group");
    if (this.#get(name).state.status !== "running") throw new OperationError("conflict", `container ${name} is not running`);
  }

  async remove(name: string): Promise<void> {
    const { request } = this.#get(name);
    this.calls.push(`remove ${request.name}`);
    this.byName.delete(request.name ?? "");
  }

  async wait(name: string): Promise<{ readonly result: Promise<{ readonly exitCode: number }> }> {
    const found = this.#get(name);
    const result = new Promise<void>(resolve => (found.state.status === "exited" ? resolve() : found.onExit.push(resolve)));
    return { result: result.then(() => ({ exitCode: found.state.exitCode })) };
  }

  set(name: string, state: Partial<ContainerState>): void {
    const found = this.#get(name);
    found.state = { ...found.state, ...state };
    if (found.state.status === "exited") for (const resolve of found.onExit) resolve();
  }

  #get(name: string): { request: CreateContainerRequest; state: ContainerState; onExit: (() => void)[] } {
    const found = this.byName.get(name.replace(/^id-of-/, ""));
    if (found === undefined) throw new OperationError("not-found", `No such container: ${name}`);
    return found;
  }
}

describe("running a task on the engine", () => {
  const signal = new AbortController().signal;
  let directory = "";
  let time: VirtualTime;
  let containers: SimulatedContainers;
  let executor: EngineExecutor;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "shoal-executor-"));
    time = new VirtualTime();
    containers = new SimulatedContainers();
    executor = new EngineExecutor({
      containers,
      network: { apply: async () => {} },
      files: new TaskFileStore(directory),
      clock: simulatedClock(time),
      node: () => ({ hostname: "host1", architecture: "x86_64" }),
    });
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("makes one container however often it is prepared, starts it once, and tells how it ended", async () => {
    const task = anAssignedTask({ container: { stopGracePeriodNs: 3e9 } });
    await executor.prepare(task, { signal, files: NO_FILES });
    await executor.prepare(task, { signal, files: NO_FILES });
    assert.deepEqual(await executor.start(task, { signal }), {
      container: { containerId: "id-of-web.3.task1", pid: 42, exitCode: 0 },
      portStatus: PORTS["80/tcp"].map(() => ({ protocol: "tcp", targetPort: 80, publishedPort: 8080, publishMode: "host" })),
    });
    await executor.start(task, { signal });
    assert.deepEqual(await executor.list(), ["task1"]);
    const ended = executor.wait(task.task.id, { signal });
    await executor.stop(task);
    assert.deepEqual(await ended, { exitCode: 143 });
    await executor.stop(task); // Had ended already.
    await executor.remove(task.task.id);
    await executor.remove(task.task.id);
    await executor.stop(task); // Is gone already.
    assert.deepEqual(containers.calls, [
      "create web.3.task1",
      "start web.3.task1",
      "stop web.3.task1 3",
      "stop web.3.task1 3",
      "remove web.3.task1",
      "stop web.3.task1 3",
    ]);
  });

  it("puts new data in the files that a container has mounted, and sends each signal once, again where it was cut short", async () => {
    const file = { name: "f", uid: "0", gid: "0", mode: 0o400 };
    const secrets = ["s1", "s2", "s3"].map(id => ({ id: asId<never>(id), name: id, file: { ...file, name: id } }));
    const configs = [{ id: asId<never>("c1"), name: "c1", file }];
    const task = anAssignedTask({ container: { secrets, configs } });
    const files = (version: string) => ({
      secrets: new Map(secrets.map(({ id }) => [id as string, Buffer.from(`${String(id)} ${version}`)])),
      configs: new Map([["c1", Buffer.from(`c1 ${version}`)]]),
    });
    const held = (id: string) => readFile(join(directory, "task1", id), "utf8");
    await executor.prepare(task, { signal, files: files("a long first version") });
    await executor.start(task, { signal });
    const { ino, mode } = await stat(join(directory, "task1", "s1"));
    containers.calls.length = 0;

    const reloadSignals = new Map([
      ["s1", "HUP"],
      ["s2", "HUP"],
      ["c1", ""],
    ]);
    containers.killsToFail = 1;
    await assert.rejects(executor.renewFiles(task, { ...files("b"), reloadSignals }), { message: "no such process group" });
    await executor.renewFiles(task, { ...files("b"), reloadSignals });
    await executor.renewFiles(task, { ...files("b"), reloadSignals }); // Nothing is another by now.
    assert.deepEqual(containers.calls, ["kill web.3.task1 HUP", "kill web.3.task1 HUP"]);
    assert.deepEqual(await Promise.all(["s1", "s2", "s3", "c1"].map(held)), ["s1 b", "s2 b", "s3 a long first version", "c1 b"]);
    assert.deepEqual(await stat(join(directory, "task1", "s1")).then(after => [after.ino, after.mode]), [ino, mode]);
    await executor.stop(task);
    await executor.renewFiles(task, { ...files("c"), reloadSignals }); // Nobody is left to be told.
  });

  it("says that an image is not here", async () => {
    const task = anAssignedTask({ container: { image: "missing" } });
    await assert.rejects(executor.prepare(task, { signal, files: NO_FILES }), { message: "No such image: missing:latest" });
  });

  it("waits for health, and ends a task that falls ill", async () => {
    const task = anAssignedTask({ container: { healthcheck: { test: ["CMD", "check"] } } });
    const health = (status: "starting" | "healthy" | "unhealthy") => ({ health: { status, failingStreak: 0, log: [] } });
    await executor.prepare(task, { signal, files: NO_FILES });
    containers.set("web.3.task1", health("starting"));
    let isStarted = false;
    const started = executor.start(task, { signal }).then(() => {
      isStarted = true;
    });
    await settle();
    await time.runUntil(2_000);
    assert.equal(isStarted, false);
    containers.set("web.3.task1", health("healthy"));
    await settle();
    await time.runUntil(3_000);
    await started;
    const ended = executor.wait(task.task.id, { signal });
    await settle();
    await time.runUntil(4_000);
    containers.set("web.3.task1", health("unhealthy"));
    await settle();
    await time.runUntil(5_000);
    assert.deepEqual(await ended, { exitCode: 143, error: "dockerexec: unhealthy container" });
  });

  it("fails the start of a task that is never healthy", async () => {
    const task = anAssignedTask({ container: { healthcheck: { test: ["CMD", "check"] } } });
    await executor.prepare(task, { signal, files: NO_FILES });
    containers.set("web.3.task1", { health: { status: "unhealthy", failingStreak: 3, log: [] } });
    await assert.rejects(executor.start(task, { signal }), { message: "dockerexec: unhealthy container" });
    assert.equal((await containers.inspect("web.3.task1")).state.status, "exited");
  });
});
